#include "http_server/bell.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace fairlead::http_server {

namespace asio = boost::asio;

asio::awaitable<void> Bell::rung() {
    auto initiate = [this](auto handler) { waiting_ = std::move(handler); };
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(initiate, asio::use_awaitable);
}

void Bell::ring() {
    if (waiting_) {
        asio::post(loop_.context(), [resume = std::exchange(waiting_, nullptr)]() mutable { resume(); });
    }
}

} // namespace fairlead::http_server
