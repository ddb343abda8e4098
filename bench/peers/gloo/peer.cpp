// Gloo's collectives over TCP. Its ranks meet through files in the folder MICS_PEER_STORE, which all nodes see.

#include "../../mics_perf/libfabric/peer.hpp"

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gloo/allgather.h>
#include <gloo/allreduce.h>
#include <gloo/math.h>
#include <gloo/reduce_scatter.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/transport/tcp/device.h>

#include <mics/error.hpp>

namespace perf {

namespace {

std::string setting(const char* name) {
  const char* const given = std::getenv(name);
  if (given == nullptr) throw mics::usage_error(std::string(name) + " is not set: bench/peers/peers sets it");
  return given;
}

std::shared_ptr<gloo::Context> connect(const exchange& call) {
  gloo::rendezvous::FileStore store(setting("MICS_PEER_STORE"));
  gloo::transport::tcp::attr at;
  at.iface = setting("MICS_PEER_LINK");
  auto device = gloo::transport::tcp::CreateDevice(at);
  auto context = std::make_shared<gloo::rendezvous::Context>(call.rank, call.ranks);
  context->connectFullMesh(store, device);
  return context;
}

void require_float_sum(const exchange& call) {
  if (call.type == mics::data_type::float32 && call.reduction == mics::reduction::sum) return;
  throw mics::usage_error("the comparison with Gloo adds float32 only");
}

}  // namespace

std::function<void()> peer_call(const exchange& call) {
  static const std::shared_ptr<gloo::Context> context = connect(call);
  switch (call.op) {
    case mics::operation::all_gather:
      return [call] {
        gloo::AllgatherOptions options(context);
        auto* const in = reinterpret_cast<char*>(call.in.data());
        auto* const out = reinterpret_cast<char*>(call.out.data());
        if (!call.in_place) options.setInput(in, call.in.size());
        options.setOutput(out, call.out.size());
        gloo::allgather(options);
      };
    case mics::operation::reduce_scatter: {
      require_float_sum(call);
      if (call.in_place) throw mics::usage_error("Gloo's reduce-scatter in place puts its result elsewhere");
      if ((call.ranks & (call.ranks - 1)) != 0) {
        throw mics::usage_error("Gloo's reduce-scatter is compared for powers of two only");
      }
      const auto scratch = std::make_shared<std::vector<float>>(call.count * static_cast<std::size_t>(call.ranks));
      const auto counts = std::vector<int>(static_cast<std::size_t>(call.ranks), static_cast<int>(call.count));
      const auto work = std::make_shared<gloo::ReduceScatterHalvingDoubling<float>>(
          context, std::vector<float*>{scratch->data()}, static_cast<int>(scratch->size()), counts);
      return [call, scratch, work] {
        std::memcpy(scratch->data(), call.in.data(), call.in.size());  // it works in place
        work->run();
        std::memcpy(call.out.data(), scratch->data(), call.out.size());
      };
    }
    case mics::operation::all_reduce:
      require_float_sum(call);
      return [call] {
        gloo::AllreduceOptions options(context);
        if (!call.in_place) options.setInput(reinterpret_cast<float*>(call.in.data()), call.count);
        options.setOutput(reinterpret_cast<float*>(call.out.data()), call.count);
        options.setReduceFunction(
            static_cast<void (*)(void*, const void*, const void*, std::size_t)>(&gloo::sum<float>));
        gloo::allreduce(options);
      };
    default:
      throw mics::usage_error("the comparison with Gloo has no " + std::string(mics::name_of(call.op)));
  }
}

}  // namespace perf
