#pragma once

#include <cassert>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace fairlead::handle {

/// Names an object that may die first: where it is, and which of the objects that were ever there. `Tag` keeps the
/// handles of different maps apart.
template <class Tag>
struct Handle {
    std::uint32_t index = UINT32_MAX;
    std::uint32_t generation = 0; ///< 0 is nobody

    [[nodiscard]] explicit operator bool() const { return generation != 0; }
    friend bool operator==(const Handle&, const Handle&) = default;
    friend auto operator<=>(const Handle&, const Handle&) = default;
};

/// Objects found by handle. Addresses stay until erase(). A slot that has been used 2^32 - 1 times is retired, so no
/// handle ever names a second object.
template <class T, class Tag = T>
class SlotMap {
public:
    using Handle = handle::Handle<Tag>;

    explicit SlotMap(std::size_t at_most) : at_most_(at_most) {}

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t capacity() const { return at_most_; }

    /// The null handle when the map is full.
    template <class... Args>
    [[nodiscard]] Handle emplace(Args&&... args) {
        if (size_ >= at_most_) {
            return {};
        }
        if (first_free_ == none) {
            if (slots_.size() >= none) {
                return {};
            }
            slots_.emplace_back();
            first_free_ = static_cast<std::uint32_t>(slots_.size() - 1);
        }
        const std::uint32_t index = first_free_;
        Slot& slot = slots_[index];
        slot.value.emplace(std::forward<Args>(args)...);
        first_free_ = slot.next_free;
        ++size_;
        return {index, slot.generation};
    }

    /// nullptr for a handle whose object is gone, or that never named one.
    [[nodiscard]] T* find(Handle h) {
        return const_cast<T*>(std::as_const(*this).find(h)); // NOLINT(cppcoreguidelines-pro-type-const-cast)
    }
    [[nodiscard]] const T* find(Handle h) const {
        if (h.index >= slots_.size()) {
            return nullptr;
        }
        const Slot& slot = slots_[h.index];
        return slot.generation == h.generation && slot.value ? &*slot.value : nullptr;
    }

    /// False when it was gone already.
    bool erase(Handle h) {
        if (find(h) == nullptr) {
            return false;
        }
        Slot& slot = slots_[h.index];
        slot.value.reset();
        --size_;
        if (++slot.generation != 0) {
            slot.next_free = first_free_;
            first_free_ = h.index;
        }
        return true;
    }

    /// Calls `f(handle, object)` for each; `f` may erase the object it was called with, and no other.
    template <class F>
    void for_each(F f) {
        for (std::uint32_t i = 0; i < slots_.size(); ++i) {
            if (slots_[i].value) {
                f(Handle{i, slots_[i].generation}, *slots_[i].value);
            }
        }
    }

private:
    static constexpr std::uint32_t none = UINT32_MAX;

    struct Slot {
        std::optional<T> value;
        std::uint32_t generation = 1;
        std::uint32_t next_free = none;
    };

    std::deque<Slot> slots_; // never moves an element
    std::size_t at_most_;
    std::size_t size_ = 0;
    std::uint32_t first_free_ = none;
};

} // namespace fairlead::handle
