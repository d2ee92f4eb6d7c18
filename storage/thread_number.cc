#include "storage/thread_number.h"

#include <bitset>
#include <mutex>

namespace larder::storage {
namespace {

// The mutex also hands what the last owner of a number wrote over to the next one.
std::mutex mutex;
std::bitset<ThreadNumber::kShared> taken;  // guarded by mutex

struct Lease {
  Lease() {
    const std::lock_guard lock(mutex);
    while (number < taken.size() && taken[number]) number++;
    if (number < taken.size()) taken.set(number);
  }
  ~Lease() {
    const std::lock_guard lock(mutex);
    if (number < taken.size()) taken.reset(number);
  }
  size_t number = 0;
};

}  // namespace

size_t ThreadNumber::take() {
  static thread_local const Lease lease;
  return number_ = lease.number;
}

}  // namespace larder::storage
