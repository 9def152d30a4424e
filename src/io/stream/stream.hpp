#pragma once

#include "bytes/bytes.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "loop/watch.hpp"
#include "net/address.hpp"
#include "process/descriptor.hpp"
#include "time/instant.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::stream {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

/// Errors: asio::error::eof when the peer ended its side in order, asio::error::timed_out after the stream's deadline,
/// asio::error::operation_aborted after close(), else the system's (or OpenSSL's) error.
struct ReadResult {
    ErrorCode ec;
    std::size_t n = 0;
};

class DeadlineWheel;

/// A byte stream, TCP or TLS alike. One loop's thread; one read and one write may be outstanding at a time. The stream
/// must outlive its own coroutines: they hold it by unique_ptr or end before it does.
class Stream {
public:
    virtual ~Stream() = default;

    // --- plain calls: never wait. asio::error::would_block when nothing could be done now ---------------------------

    virtual ReadResult try_read(MutableBytes into) = 0;
    /// Writes as much of `pieces`, in order, as the transport takes. n counts bytes over all pieces; n short of the sum
    /// without error, or would_block with n == 0: the rest waits for wait_writable(). With TLS the rest has to be
    /// offered again from the same position (its address may differ).
    virtual ReadResult try_write(std::span<const Bytes> pieces) = 0;
    /// As try_write, but with TLS every piece becomes a record of its own, all of them handed to the kernel in one
    /// call. For protocols whose clients take a record for a message. What the kernel did not take of finished records
    /// stays with the stream: has_unsent() is true then, and the next write, also of nothing, goes on with it.
    virtual ReadResult try_write_records(std::span<const Bytes> pieces) { return try_write(pieces); }
    [[nodiscard]] virtual bool has_unsent() const { return false; }

    // --- waiting
    // ------------------------------------------------------------------------------------------------------

    /// Completes when try_read may have something to say (or would_block after all, so ask in a loop). A scratch buffer
    /// shared by all streams of the loop can then be read into, so an idle stream holds no buffer at all.
    virtual asio::awaitable<ErrorCode> wait_readable() = 0;
    virtual asio::awaitable<ErrorCode> wait_writable() = 0;

    /// At least one byte, or an error.
    asio::awaitable<ReadResult> read_some(MutableBytes into);
    /// All of it, or an error. The memory must stay until then.
    asio::awaitable<ErrorCode> write(Bytes bytes);
    asio::awaitable<ErrorCode> write(std::string_view text);
    /// Up to 8 pieces in one system call (TCP) or record run (TLS). The pieces, and the array, must stay until then.
    asio::awaitable<ErrorCode> write_pieces(std::span<const Bytes> pieces);

    // --- ending
    // -------------------------------------------------------------------------------------------------------

    /// Ends our side in order (TLS close_notify, TCP FIN); the peer's side can still be read. Never waits.
    virtual void shutdown() = 0;
    /// Ends at once; outstanding reads and writes complete with operation_aborted. Again: nothing.
    virtual void close() = 0;
    /// Like close(), with RST instead of FIN, so that the kernel keeps no state for a misbehaving peer.
    virtual void reset() = 0;
    [[nodiscard]] virtual bool is_open() const = 0;

    /// At `deadline` (to the second, never early) the stream closes and whatever is outstanding completes with
    /// asio::error::timed_out. Moving it is a store. `never` switches it off.
    virtual void expires_at(Instant deadline) = 0;

    [[nodiscard]] virtual const net::TransportAddress& peer() const = 0;
    [[nodiscard]] virtual const net::TransportAddress& local() const = 0;
    /// A proxy told us who is behind it (PROXY protocol): peer() and local() answer this from now on.
    virtual void override_addresses(const net::TransportAddress& peer, const net::TransportAddress& local) = 0;

    [[nodiscard]] virtual loop::Loop& loop() = 0;

    [[nodiscard]] virtual bool is_tls() const { return false; }
    /// ALPN protocol chosen, "" without. Server name indication the client sent, "" without. Both TLS only.
    [[nodiscard]] virtual std::string_view alpn() const { return {}; }
    [[nodiscard]] virtual std::string_view server_name() const { return {}; }
    /// "TLSv1.3 TLS_AES_128_GCM_SHA256"; "" without TLS.
    [[nodiscard]] virtual std::string tls_description() const { return {}; }

private:
    // Reads and writes in a row that did not have to wait. A peer that is always faster than we are must not keep the
    // loop for itself.
    [[nodiscard]] bool has_had_its_share() { return (++unsuspended_ % 16) == 0; }
    std::uint8_t unsuspended_ = 0;
};

/// Deadlines of all streams of one loop: a wheel of one-second slots and one timer, so that a deadline per read costs
/// a store.
class DeadlineWheel {
public:
    explicit DeadlineWheel(loop::Loop& loop);
    /// Lets go of everything linked.
    ~DeadlineWheel();
    DeadlineWheel(const DeadlineWheel&) = delete;
    DeadlineWheel& operator=(const DeadlineWheel&) = delete;

    [[nodiscard]] loop::Loop& loop() { return loop_; }

    /// Something that can expire. To be removed before it dies.
    class Entry {
    public:
        Entry() = default;
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        virtual void on_deadline() = 0;

    protected:
        virtual ~Entry() = default;

    private:
        friend class DeadlineWheel;
        DeadlineWheel* wheel_ = nullptr; // while linked
        Entry* previous_ = nullptr;
        Entry* next_ = nullptr;
        Instant deadline_ = never;
        std::int64_t slot_ = 0; // the second we are looked at
    };
    /// `never` is remove().
    void set(Entry& entry, Instant deadline);
    static void remove(Entry& entry);
    [[nodiscard]] std::size_t size() const { return linked_; }

private:
    static constexpr std::int64_t slot_count = 128;
    [[nodiscard]] std::int64_t second_of(Instant deadline) const;
    void link(Entry& entry);
    void tick();

    loop::Loop& loop_;
    loop::Timer timer_;
    Instant epoch_;
    std::array<Entry*, slot_count> slots_{};
    std::size_t linked_ = 0;
    std::int64_t ticked_ = 0; // seconds since epoch_; all slots up to here are done
};

class TcpStream;

struct Connected;
/// A plain TCP stream.
class TcpStream final : public Stream, private DeadlineWheel::Entry {
public:
    /// Takes over a connected, non-blocking TCP socket. Destroy it, like all of a loop, on the loop's thread.
    TcpStream(DeadlineWheel& wheel, process::Descriptor socket);
    ~TcpStream() override;

    ReadResult try_read(MutableBytes into) override;
    ReadResult try_write(std::span<const Bytes> pieces) override;
    asio::awaitable<ErrorCode> wait_readable() override;
    asio::awaitable<ErrorCode> wait_writable() override;
    void shutdown() override;
    void close() override;
    void reset() override;
    [[nodiscard]] bool is_open() const override;
    void expires_at(Instant deadline) override;
    [[nodiscard]] const net::TransportAddress& peer() const override { return peer_; }
    [[nodiscard]] const net::TransportAddress& local() const override { return local_; }
    void override_addresses(const net::TransportAddress& peer, const net::TransportAddress& local) override;

    /// Looks at the first bytes without taking them (first-byte demultiplexing, PROXY protocol).
    ReadResult try_peek(MutableBytes into);
    /// Takes the socket out, to be adopted by another loop. The stream is closed afterwards.
    [[nodiscard]] process::Descriptor release();
    [[nodiscard]] int descriptor() const;
    [[nodiscard]] loop::Loop& loop() override { return wheel_.loop(); }
    [[nodiscard]] DeadlineWheel& wheel() { return wheel_; }

private:
    friend class TlsStream;
    friend asio::awaitable<Connected> connect(DeadlineWheel& wheel, net::TransportAddress to,
                                              net::TransportAddress local, Instant deadline);
    void on_deadline() override;
    void end(ErrorCode why);

    DeadlineWheel& wheel_;
    process::Descriptor socket_;
    std::unique_ptr<loop::Watch> watch_; // while open
    ErrorCode ended_;                    // what calls answer once it is not
    net::TransportAddress peer_;
    net::TransportAddress local_;
};

struct Connected {
    ErrorCode ec;
    std::unique_ptr<TcpStream> stream; ///< null when ec
};
/// Connects, from `local` when it is not the wildcard; timed_out after `deadline`.
asio::awaitable<Connected> connect(DeadlineWheel& wheel, net::TransportAddress to, net::TransportAddress local,
                                   Instant deadline);

} // namespace fairlead::stream
