// Runs a fuzz target over a committed corpus, without libFuzzer: every file, every prefix of it (a message cut off at
// each byte), and nothing at all. The file is named before it runs, so the last name printed is the one that crashed.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// A target may have it.
extern "C" [[gnu::weak]] int LLVMFuzzerInitialize(int* count, char*** arguments);

namespace {

constexpr std::size_t longest_prefix = 2048;

// From a heap block of exactly the right size, so that the address sanitizer sees a read one byte too far.
void run(const std::vector<std::uint8_t>& input, std::size_t length) {
    const std::vector<std::uint8_t> exact(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(length));
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

} // namespace

int main(int count, char** arguments) {
    namespace fs = std::filesystem;
    if (LLVMFuzzerInitialize != nullptr) {
        LLVMFuzzerInitialize(&count, &arguments);
    }
    std::set<fs::path> files;
    for (int i = 1; i < count; ++i) {
        std::error_code unreadable;
        if (fs::is_directory(arguments[i], unreadable)) {
            for (const auto& entry : fs::directory_iterator(arguments[i])) {
                files.insert(entry.path());
            }
        } else {
            files.insert(arguments[i]);
        }
    }
    run({}, 0);
    std::size_t runs = 1;
    for (const fs::path& path : files) {
        std::printf("%s\n", path.c_str());
        std::fflush(stdout);
        std::ifstream file(path, std::ios::binary);
        if (!file) {
            std::printf("replay: cannot read it\n");
            return 1;
        }
        const std::vector<std::uint8_t> input{std::istreambuf_iterator<char>(file), {}};
        run(input, input.size());
        ++runs;
        for (std::size_t length = 1; length < input.size() && length <= longest_prefix; ++length, ++runs) {
            run(input, length);
        }
    }
    std::printf("replay: %zu files, %zu runs\n", files.size(), runs);
    return files.empty() ? 1 : 0;
}
