// Which network card a rank uses: of cards and of machines that do not exist.

#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <mics/transport/libfabric/rail/handles.hpp>
#include <mics/transport/libfabric/rail/nearest_card.hpp>
#include <mics/transport/libfabric/rail/provider.hpp>

namespace {

using namespace mics::libfabric;

/// An offer as a provider makes it, for a card of this name at a PCI bus.
struct offered {
  std::string provider, card;
  fi_link_state link = FI_LINK_UP;
  int bus = -1;  ///< -1: it does not say
};

/// The list of them. (The structures of the card are libfabric's to free.)
info_list offers(const std::vector<offered>& all) {
  info_list first;
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    fi_info* const made = fi_allocinfo();
    made->fabric_attr->prov_name = ::strdup(it->provider.c_str());
    made->domain_attr->name = ::strdup(it->card.c_str());
    made->next = first.release();
    first.reset(made);
  }
  return first;
}

/// Cards in memory of their own, hung into offers for the time of a test.
class cards {
 public:
  cards(fi_info* first, const std::vector<offered>& all) : first_(first), nics_(all.size()) {
    std::size_t i = 0;
    for (fi_info* offer = first; offer != nullptr; offer = offer->next, ++i) {
      one& made = nics_[i];
      made.link.state = all[i].link;
      made.bus.bus_type = all[i].bus < 0 ? FI_BUS_UNSPEC : FI_BUS_PCI;
      made.bus.attr.pci = {0, static_cast<std::uint8_t>(std::max(all[i].bus, 0)), 0, 0};
      made.nic.link_attr = &made.link;
      made.nic.bus_attr = &made.bus;
      offer->nic = &made.nic;
    }
  }
  ~cards() {
    for (fi_info* offer = first_; offer != nullptr; offer = offer->next) offer->nic = nullptr;
  }
  cards(const cards&) = delete;
  cards& operator=(const cards&) = delete;

 private:
  struct one {
    fid_nic nic{};
    fi_link_attr link{};
    fi_bus_attr bus{};
  };
  fi_info* first_;
  std::vector<one> nics_;
};

std::vector<std::string> names_of(const std::vector<offered>& all) {
  const info_list list = offers(all);
  const cards hung(list.get(), all);
  std::vector<std::string> names;
  for (const fi_info* card : cards_of(list.get())) names.emplace_back(card->domain_attr->name);
  return names;
}

}  // namespace

using indices = std::vector<std::size_t>;

TEST_CASE("only the nearest cards serve: all of them where all are equally far") {
  CHECK(nearest_cards(std::vector<int>(4, 7)) == indices{0, 1, 2, 3});
  CHECK(nearest_cards(std::vector<int>{3, 1, 3, 1, 2}) == indices{1, 3});
  CHECK(nearest_cards(std::vector<int>{5}) == indices{0});
}

TEST_CASE("ranks that share their nearest cards take turns, on each node anew") {
  const std::vector<std::string> all(6, "a b");
  const std::vector<int> nodes{0, 0, 0, 1, 1, 1};
  const std::size_t wanted[] = {0, 1, 2, 0, 1, 2};
  for (int rank = 0; rank < 6; ++rank) CHECK(turn_of(rank, all, nodes) == wanted[rank]);
}

TEST_CASE("ranks dealt to two sockets of four cards each, in turn or in blocks, use every card once") {
  const std::string sockets[] = {"a b c d", "e f g h"};
  for (const bool in_turn : {true, false}) {
    std::vector<std::string> nearest;
    for (std::size_t rank = 0; rank < 8; ++rank) nearest.push_back(sockets[in_turn ? rank % 2 : rank / 4]);
    const std::vector<int> nodes(8, 0);
    std::set<std::pair<std::string, std::size_t>> used;
    for (int rank = 0; rank < 8; ++rank) {
      used.emplace(nearest[static_cast<std::size_t>(rank)], turn_of(rank, nearest, nodes) % 4);
    }
    CHECK(used.size() == 8);
  }
}

TEST_CASE("a card counts once, with its first offer, and only if the first provider offers it") {
  using names = std::vector<std::string>;
  CHECK(names_of({{"efa", "a"}, {"efa", "b"}, {"efa", "a"}, {"verbs", "c"}, {"efa", "d"}}) == names{"a", "b", "d"});
}

TEST_CASE("a card whose link is down is left out, unless all are down") {
  using names = std::vector<std::string>;
  CHECK(names_of({{"efa", "a", FI_LINK_DOWN}, {"efa", "b"}, {"efa", "c", FI_LINK_UNKNOWN}}) == names{"b", "c"});
  CHECK(names_of({{"efa", "a", FI_LINK_DOWN}, {"efa", "b", FI_LINK_DOWN}}) == names{"a", "b"});
}

TEST_CASE("ranks take turns on cards of which nobody knows where they are") {
  const std::vector<offered> all{{"efa", "a"}, {"efa", "b"}, {"efa", "c"}};
  provider found{offers(all)};
  const cards hung(found.all.get(), all);
  found.nearest = nearest_offers(found.all.get());
  CHECK(found.cards() == "a b c");
  const char* const wanted[] = {"a", "b", "c", "a"};
  for (std::size_t turn = 0; turn < 4; ++turn) {
    found.take_turn(turn);
    CHECK(std::string(found.chosen->domain_attr->name) == wanted[turn]);
  }
}

TEST_CASE("where a card is plugged in") {
  const std::vector<offered> all{{"efa", "a", FI_LINK_UP, 0x81}, {"efa", "b"}};
  const info_list list = offers(all);
  const cards hung(list.get(), all);
  const pci_place place = place_of(*list);
  CHECK(place.known);
  CHECK(place.bus == 0x81);
  CHECK_FALSE(place_of(*list->next).known);
}

#if defined(MICS_HAS_HWLOC)

namespace {

/// Two packages of two cores, with one card below each, and one at no package.
constexpr const char* machine_xml = R"(<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
 <object type="Machine" os_index="0" cpuset="0xf" complete_cpuset="0xf" allowed_cpuset="0xf" nodeset="0x1" complete_nodeset="0x1" allowed_nodeset="0x1" gp_index="1">
  <object type="NUMANode" os_index="0" cpuset="0xf" complete_cpuset="0xf" nodeset="0x1" complete_nodeset="0x1" gp_index="2" local_memory="1073741824"/>
  <object type="Package" os_index="0" cpuset="0x3" complete_cpuset="0x3" nodeset="0x1" complete_nodeset="0x1" gp_index="3">
   <object type="Core" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1" gp_index="4">
    <object type="PU" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1" gp_index="5"/>
   </object>
   <object type="Core" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0x1" complete_nodeset="0x1" gp_index="6">
    <object type="PU" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0x1" complete_nodeset="0x1" gp_index="7"/>
   </object>
   <object type="Bridge" gp_index="20" bridge_type="0-1" depth="0" bridge_pci="0000:[00-3f]">
    <object type="PCIDev" gp_index="21" pci_busid="0000:18:00.0" pci_type="0200 [15b3:1017] [15b3:0001] 00" pci_link_speed="0.000000"/>
   </object>
  </object>
  <object type="Package" os_index="1" cpuset="0xc" complete_cpuset="0xc" nodeset="0x1" complete_nodeset="0x1" gp_index="8">
   <object type="Core" os_index="2" cpuset="0x4" complete_cpuset="0x4" nodeset="0x1" complete_nodeset="0x1" gp_index="9">
    <object type="PU" os_index="2" cpuset="0x4" complete_cpuset="0x4" nodeset="0x1" complete_nodeset="0x1" gp_index="10"/>
   </object>
   <object type="Core" os_index="3" cpuset="0x8" complete_cpuset="0x8" nodeset="0x1" complete_nodeset="0x1" gp_index="11">
    <object type="PU" os_index="3" cpuset="0x8" complete_cpuset="0x8" nodeset="0x1" complete_nodeset="0x1" gp_index="12"/>
   </object>
   <object type="Bridge" gp_index="22" bridge_type="0-1" depth="0" bridge_pci="0000:[40-7f]">
    <object type="PCIDev" gp_index="23" pci_busid="0000:58:00.0" pci_type="0200 [15b3:1017] [15b3:0001] 00" pci_link_speed="0.000000"/>
   </object>
  </object>
  <object type="Bridge" gp_index="24" bridge_type="0-1" depth="0" bridge_pci="0000:[80-8f]">
   <object type="PCIDev" gp_index="25" pci_busid="0000:81:00.0" pci_type="0200 [15b3:1017] [15b3:0001] 00" pci_link_speed="0.000000"/>
  </object>
 </object>
</topology>
)";

/// That machine, and the distances of the cards on buses 18, 58, 81 and of one that is not there.
class machine {
 public:
  machine() {
    hwloc_topology_t made = nullptr;
    REQUIRE(hwloc_topology_init(&made) == 0);
    all_.reset(made);
    hwloc_topology_set_io_types_filter(made, HWLOC_TYPE_FILTER_KEEP_ALL);
    REQUIRE(hwloc_topology_set_xmlbuffer(made, machine_xml, static_cast<int>(std::strlen(machine_xml) + 1)) == 0);
    REQUIRE(hwloc_topology_load(made) == 0);
  }

  [[nodiscard]] std::vector<int> from(unsigned long processors) const {
    const detail::bitmap_handle here(hwloc_bitmap_alloc());
    hwloc_bitmap_from_ulong(here.get(), processors);
    std::vector<int> all;
    for (const unsigned bus : {0x18U, 0x58U, 0x81U, 0x99U}) {
      all.push_back(distance(all_.get(), here.get(), {true, 0, bus, 0, 0}));
    }
    return all;
  }

 private:
  detail::topology_handle all_{};
};

}  // namespace

TEST_CASE("the card of the own package is nearer than another's, and than one of the machine") {
  const machine m;
  for (const unsigned long processors : {0x1UL, 0x2UL, 0x3UL}) {
    const std::vector<int> far = m.from(processors);
    CHECK(far[0] < far[1]);
    CHECK(far[0] < far[2]);
    CHECK(far[1] == far[2]);
    CHECK(nearest_cards(far) == indices{0});
  }
  CHECK(nearest_cards(m.from(0x8)) == indices{1});
}

TEST_CASE("who may run everywhere has all cards equally far, but for those that are not there") {
  const std::vector<int> far = machine().from(0xf);
  CHECK(far[0] == far[1]);
  CHECK(far[1] == far[2]);
  CHECK(far[3] > far[2]);
  CHECK(nearest_cards(far) == indices{0, 1, 2});
}

TEST_CASE("this machine can be read") {
  const std::vector<int> far = distances_of({{true, 0, 0xfe, 0x1f, 7}, {}});
  CHECK(far.size() == 2);
  CHECK(far[0] == far[1]);
}

#endif
