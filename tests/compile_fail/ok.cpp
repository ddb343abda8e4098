// expect: compiles
#include <string>

#include <mics/types.hpp>

static_assert(mics::transportable<float> && !mics::transportable<std::string>);

int main() { return mics::data_type_of<const float> == mics::data_type::float32 ? 0 : 1; }
