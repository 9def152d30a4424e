#pragma once

#include "loop/loop.hpp"

#include <csignal>
#include <functional>
#include <memory>

namespace fairlead::loop {

/// Blocks SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2 in the calling thread and in all threads it starts later, and
/// ignores SIGPIPE. Call first in main, before any thread exists; Signals then reads them from a descriptor.
void block_signals();

/// Delivers the five signals into a loop, as a plain call on the loop's thread: no handler context, so anything may
/// be done in it. Needs block_signals() before. One instance per process.
class Signals {
public:
    using Handler = std::function<void(int signal)>;
    Signals(Loop& loop, Handler handler);
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

private:
    class Reader;
    std::unique_ptr<Reader> reader_;
};

} // namespace fairlead::loop
