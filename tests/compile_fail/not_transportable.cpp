// expect: error:.*data_type_for.*string
#include <string>

#include <mics/types.hpp>

int main() { return static_cast<int>(mics::data_type_of<std::string>); }
