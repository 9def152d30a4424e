#pragma once

#include "net/address.hpp"

namespace fairlead::net {

/// Where a state machine puts what it wants sent. The driver implements it so that the room *is* the slot of the
/// outgoing batch; tests record what was written.
class Outbox {
public:
    /// Room for one message of at most `at_most` bytes. Valid until transmit() or the next reserve(). May be shorter
    /// than asked for only when the driver is out of room; the machine then drops the message (its peer retransmits).
    virtual MutableBytes reserve(std::size_t at_most) = 0;

    /// Sends the first `length` bytes of the room reserved last, along `path` from the server's to the client's
    /// address.
    virtual void transmit(const FiveTuple& path, std::size_t length) = 0;

protected:
    ~Outbox() = default;
};

} // namespace fairlead::net
