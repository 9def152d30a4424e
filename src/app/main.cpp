#include "cli/cli.hpp"
#include "serve/addresses.hpp"
#include "serve/serve.hpp"

#include <iostream>

int main(int argc, char** argv) {
    using namespace fairlead;
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const cli::Programs programs{
        .serve = [](const config::Loaded& configuration,
                    const config::Sources& /*sources*/) { return serve::run(configuration.model); },
        .host = [](const config::Model& model) { return serve::find_addresses(model).host; }};
    return cli::run(arguments, programs, {std::cout, std::cerr, config::process_environment(), config::default_file()});
}
