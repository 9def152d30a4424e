#include "http_server/request.hpp"

#include "http_server/promise.hpp"

namespace fairlead::http_server {

Responder& Responder::operator=(Responder&& other) noexcept {
    std::swap(loop_, other.loop_);
    std::swap(promise_, other.promise_);
    return *this;
}

Responder::~Responder() {
    if (loop_ != nullptr) {
        send(http::Response(http::Status::internal_server_error));
    }
}

void Responder::send(http::Response response) {
    deliver([response = std::move(response)](Promise& promise) mutable { promise.give(std::move(response)); });
}

void Responder::deliver(std::move_only_function<void(Promise&)> gift) {
    loop::Loop* const loop = std::exchange(loop_, nullptr);
    if (loop == nullptr) {
        return;
    }
    // When the loop is too far behind to take this, the connection answers 504 by itself.
    (void)loop->send([promise = std::move(promise_), gift = std::move(gift)]() mutable {
        if (const auto waiting = promise.lock()) {
            gift(*waiting);
        }
    });
}

asio::awaitable<std::optional<Answer>> Responder::Promise::wait(std::shared_ptr<Promise> promise) {
    while (!promise->answer_ && !promise->given_up_) {
        co_await promise->decided_.rung();
    }
    co_return std::move(promise->answer_);
}

} // namespace fairlead::http_server
