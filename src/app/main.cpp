#include "cli/cli.hpp"

#include <iostream>

int main(int argc, char** argv) {
    using namespace fairlead;
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const cli::Programs programs;
    return cli::run(arguments, programs, {std::cout, std::cerr, config::process_environment(), config::default_file()});
}
