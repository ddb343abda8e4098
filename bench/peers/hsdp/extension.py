"""mics_torch.cpp as a Python module. Build it once before the ranks start: `python3 extension.py FOLDER`."""

import importlib.util
import os
import pathlib
import sys

import nvidia.nccl
import torch  # loads the libraries that the module was linked with
from torch.utils import cpp_extension

NAME = "mics_torch"
here = pathlib.Path(__file__).resolve().parent


def build(folder):
    os.environ.setdefault("TORCH_CUDA_ARCH_LIST", ".".join(map(str, torch.cuda.get_device_capability())))
    os.makedirs(folder, exist_ok=True)
    nccl = pathlib.Path(next(iter(nvidia.nccl.__path__)))  # PyTorch's own: a program must hold one NCCL only
    cpp_extension.load(
        name=NAME,
        sources=[str(here / "mics_torch.cpp"), str(here / "kernels.cu")],
        extra_include_paths=[str(here.parents[2] / "include"), str(nccl / "include")],
        extra_cflags=["-std=c++20", "-O2"],
        extra_cuda_cflags=["-std=c++20", "-O2"],
        extra_ldflags=[f"-L{nccl}/lib", "-l:libnccl.so.2"],
        build_directory=folder,
        with_cuda=True,
    )


def load(folder):
    spec = importlib.util.spec_from_file_location(NAME, pathlib.Path(folder) / f"{NAME}.so")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    build(sys.argv[1])
