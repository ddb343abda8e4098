// Preloaded into MPICH's ranks: whenever UCX has looked and found nothing, the core goes to another rank. MPICH cannot
// be told so, and with more ranks than cores its collectives take milliseconds without it.

#include <dlfcn.h>
#include <sched.h>

extern "C" unsigned ucp_worker_progress(void* worker) {
  using function = unsigned (*)(void*);
  static const auto original = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "ucp_worker_progress"));
  const unsigned found = original(worker);
  if (found == 0) ::sched_yield();
  return found;
}
