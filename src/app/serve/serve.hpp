#pragma once

#include "config/model.hpp"

namespace fairlead::serve {

/// `fairlead serve`: starts everything that the model asks for, and returns when a signal has ended it. The return
/// value is the exit code: 0 after an orderly end, 2 for a configuration that cannot work here, 69 when an address is
/// taken, 77 when a permission is missing.
///
/// SIGTERM and SIGINT end the server at once; SIGUSR1 lets it drain first (no new allocations, the end when the last
/// one has gone or after server.drain-timeout); SIGHUP and SIGUSR2 read the certificate files again.
[[nodiscard]] int run(const config::Model& model);

} // namespace fairlead::serve
