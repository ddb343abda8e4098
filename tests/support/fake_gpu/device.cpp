// Devices, and the words of errors.

#include "device.hpp"

#include <cstdio>
#include <utility>

#include "fake_gpu.hpp"

namespace fake_gpu {

namespace {
thread_local int device = 0;
thread_local cudaError_t last_error = cudaSuccess;
}  // namespace

int current_device() { return device; }

cudaError_t fail(cudaError_t error) {
  last_error = error;
  return error;
}

}  // namespace fake_gpu

using fake_gpu::fail;

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = fake_gpu::device_count;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = fake_gpu::device;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= fake_gpu::device_count) return fail(cudaErrorInvalidDevice);
  fake_gpu::device = device;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* facts, int device) {
  if (device < 0 || device >= fake_gpu::device_count) return fail(cudaErrorInvalidDevice);
  *facts = {};
  std::snprintf(facts->name, sizeof facts->name, "Fake GPU");
  facts->totalGlobalMem = fake_gpu::device_memory;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() { return std::exchange(fake_gpu::last_error, cudaSuccess); }

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorLaunchTimeout:
      return "cudaErrorLaunchTimeout";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    default:
      return "cudaErrorUnknown";
  }
}

const char* cudaGetErrorString(cudaError_t error) { return cudaGetErrorName(error); }

}  // extern "C"
