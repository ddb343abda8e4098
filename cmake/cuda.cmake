# CUDA as a language, where there is a compiler for it: sources in it are built then, and never missed otherwise.
# Included in file scope, after the components are known; sets mics_cuda.
set(mics_cuda FALSE)
if(NCCL_FOUND AND PROJECT_IS_TOP_LEVEL)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    set(mics_cuda TRUE)
  endif()
endif()
