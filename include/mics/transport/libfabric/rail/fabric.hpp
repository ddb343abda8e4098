#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <rdma/fi_tagged.h>

#include <mics/transport/libfabric/rail/handles.hpp>
#include <mics/transport/libfabric/rail/provider.hpp>
#include <mics/transport/libfabric/rail/registration.hpp>
#include <mics/transport/libfabric/rail/work.hpp>

namespace mics::libfabric {

/// One endpoint of a provider, with its completion queue and the addresses of its peers: libfabric's calls, and what
/// their results mean. Every call that posts says false when the provider has no room now. Not for concurrent use.
class fabric {
 public:
  fabric(provider found, int rank) : provider_(std::move(found)), rank_(rank) {
    fi_info* const info = provider_.chosen;
    fabric_ = opened<fid_fabric>("fi_fabric", rank_, [&](auto p) { return fi_fabric(info->fabric_attr, p, nullptr); });
    domain_ =
        opened<fid_domain>("fi_domain", rank_, [&](auto p) { return fi_domain(fabric_.get(), info, p, nullptr); });
    fi_av_attr addresses{};
    addresses.type = info->domain_attr->av_type;
    addresses_ =
        opened<fid_av>("fi_av_open", rank_, [&](auto p) { return fi_av_open(domain_.get(), &addresses, p, nullptr); });
    fi_cq_attr completions{};
    completions.format = FI_CQ_FORMAT_DATA;
    completions.wait_obj = FI_WAIT_NONE;
    completions.size = completion_room;
    completions_ = opened<fid_cq>("fi_cq_open", rank_,
                                  [&](auto p) { return fi_cq_open(domain_.get(), &completions, p, nullptr); });
    endpoint_ =
        opened<fid_ep>("fi_endpoint", rank_, [&](auto p) { return fi_endpoint(domain_.get(), info, p, nullptr); });
    check(fi_ep_bind(endpoint_.get(), &addresses_->fid, 0), "fi_ep_bind", rank_);
    check(fi_ep_bind(endpoint_.get(), &completions_->fid, FI_TRANSMIT | FI_RECV), "fi_ep_bind", rank_);
    check(fi_enable(endpoint_.get()), "fi_enable", rank_);
    registrar_ = {domain_.get(), endpoint_.get(), info->domain_attr->mr_mode, rank_, provider_.one_sided};
  }

  [[nodiscard]] std::string provider_name() const { return provider_.name(); }
  [[nodiscard]] bool one_sided() const noexcept { return provider_.one_sided; }
  [[nodiscard]] std::size_t largest_message() const noexcept { return provider_.chosen->ep_attr->max_msg_size; }
  [[nodiscard]] registrar& registers() noexcept { return registrar_; }
  /// How often the provider had no room.
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

  /// This endpoint's address, for `connect` of the others.
  [[nodiscard]] std::vector<std::byte> name() const {
    std::vector<std::byte> name(longest_name);
    std::size_t bytes = name.size();
    check(fi_getname(&endpoint_->fid, name.data(), &bytes), "fi_getname", rank_);
    name.resize(bytes);
    return name;
  }

  [[nodiscard]] fi_addr_t connect(std::span<const std::byte> name) {
    fi_addr_t peer = FI_ADDR_UNSPEC;
    const int inserted = fi_av_insert(addresses_.get(), name.data(), 1, &peer, 0, nullptr);
    if (inserted != 1) {
      throw transport_error("the address of a rank cannot be used by this one",
                            {.rank = rank_, .native = "fi_av_insert: " + std::to_string(inserted)});
    }
    return peer;
  }

  /// Ends all traffic at once: nothing is written here any more. No other call may follow.
  void silence() noexcept { endpoint_.reset(); }

  bool post_receive(incoming& into) {
    const auto memory = into.memory->memory;
    return posted(fi_recv(endpoint_.get(), memory.data(), memory.size(), into.memory->known.descriptor(),
                          FI_ADDR_UNSPEC, &into.native),
                  "fi_recv");
  }

  bool post_packet(fi_addr_t to, outgoing& packet, std::size_t bytes) {
    return posted(fi_send(endpoint_.get(), packet.memory->memory.data(), bytes, packet.memory->known.descriptor(), to,
                          &packet.native),
                  "fi_send");
  }

  /// Writes straight into an announced slot; the token tells its owner.
  bool post_write(fi_addr_t to, std::span<const std::byte> from, void* descriptor, std::uint32_t token,
                  std::uint64_t address, std::uint64_t key, outgoing& context) {
    return posted(
        fi_writedata(endpoint_.get(), from.data(), from.size(), descriptor, token, to, address, key, &context.native),
        "fi_writedata");
  }

  bool post_tagged_send(fi_addr_t to, std::span<const std::byte> from, void* descriptor, std::uint32_t token,
                        outgoing& context) {
    return posted(fi_tsend(endpoint_.get(), from.data(), from.size(), descriptor, to, token, &context.native),
                  "fi_tsend");
  }

  bool post_tagged_receive(landing& into, std::uint32_t token) {
    void* const descriptor = into.known != nullptr ? into.known->descriptor() : nullptr;
    return posted(fi_trecv(endpoint_.get(), into.memory.data(), into.memory.size(), descriptor, FI_ADDR_UNSPEC, token,
                           0, &into.native),
                  "fi_trecv");
  }

  /// Hands over what has ended: written(token) for a peer's write, ended(work&, bytes) for own work, and
  /// failed(work*, words) for work that failed. False if there was nothing.
  template <class Written, class Ended, class Failed> bool poll(Written written, Ended ended, Failed failed) {
    std::array<fi_cq_data_entry, 16> entries;
    const ssize_t count = fi_cq_read(completions_.get(), entries.data(), entries.size());
    if (count == -FI_EAGAIN) return false;
    if (count == -FI_EAVAIL) {
      fi_cq_err_entry error{};
      if (fi_cq_readerr(completions_.get(), &error, 0) < 0) return false;
      std::string words = fi_strerror(error.err);
      std::array<char, 128> text{};
      if (const char* more =
              fi_cq_strerror(completions_.get(), error.prov_errno, error.err_data, text.data(), text.size())) {
        words += std::string(" (") + more + ")";
      }
      failed(static_cast<work*>(error.op_context), words);
      return true;
    }
    check(count, "fi_cq_read", rank_);
    for (ssize_t i = 0; i < count; ++i) {
      const fi_cq_data_entry& e = entries[static_cast<std::size_t>(i)];
      if ((e.flags & FI_REMOTE_CQ_DATA) != 0) {
        written(static_cast<std::uint32_t>(e.data));
      } else if (e.op_context != nullptr) {
        ended(*static_cast<work*>(e.op_context), e.len);
      }
    }
    return true;
  }

 private:
  static constexpr std::size_t completion_room = 4096;
  static constexpr std::size_t longest_name = 512;

  bool posted(ssize_t result, const char* call) {
    if (result == -FI_EAGAIN) {
      ++refused_;
      return false;
    }
    check(result, call, rank_);
    return true;
  }

  provider provider_;
  int rank_;
  handle<fid_fabric> fabric_{};
  handle<fid_domain> domain_{};
  handle<fid_av> addresses_{};
  handle<fid_cq> completions_{};
  handle<fid_ep> endpoint_{};  // closed before all that it is bound to
  registrar registrar_{};
  std::uint64_t refused_ = 0;
};

}  // namespace mics::libfabric
