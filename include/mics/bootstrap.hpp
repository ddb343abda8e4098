#pragma once

/// How the ranks of a job find each other: who am I (environment), where is everybody (rendezvous), who has died
/// (session), and ranks as processes of one machine (local). Needs POSIX, nothing else.

#include <mics/bootstrap/environment.hpp>
#include <mics/bootstrap/listener.hpp>
#include <mics/bootstrap/local.hpp>
#include <mics/bootstrap/node_layout.hpp>
#include <mics/bootstrap/rank_failure.hpp>
#include <mics/bootstrap/rendezvous.hpp>
#include <mics/bootstrap/session.hpp>
#include <mics/bootstrap/session_options.hpp>
#include <mics/bootstrap/variable_lookup.hpp>
