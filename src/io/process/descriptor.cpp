#include "process/descriptor.hpp"

#include <unistd.h>

namespace fairlead::process {

void Descriptor::reset(int fd) {
    if (fd_ >= 0) {
        // Not repeated on EINTR: Linux has released the descriptor by then (close(2)).
        ::close(fd_);
    }
    fd_ = fd;
}

} // namespace fairlead::process
