#include "server/core/push_pool.h"

#include <utility>

namespace larder::core {
namespace {

constexpr size_t kKeptLinks = 4096;

}  // namespace

void PushPool::append(PushChain& chain, const PushText& text) {
  uint32_t at = free_;
  if (at == 0) {
    links_.emplace_back();
    at = static_cast<uint32_t>(links_.size());
  } else {
    free_ = links_[at - 1].next;
  }
  links_[at - 1].text = text.share();
  links_[at - 1].next = 0;
  (chain.empty() ? chain.first : links_[chain.last - 1].next) = at;
  chain.last = at;
  chain.bytes += text.size();
  bytes_ += text.size();
}

PushText PushPool::take_first(PushChain& chain) {
  const uint32_t at = chain.first;
  Link& link = links_[at - 1];
  PushText text = std::exchange(link.text, PushText());
  chain.first = std::exchange(link.next, free_);
  free_ = at;
  return text;
}

void PushPool::write(PushChain& chain, Output& out, RespVersion version) {
  while (!chain.empty()) out.push(take_first(chain), version);
  bytes_ -= std::exchange(chain, PushChain()).bytes;
}

void PushPool::drop(PushChain& chain) {
  while (!chain.empty()) take_first(chain);
  bytes_ -= std::exchange(chain, PushChain()).bytes;
}

void PushPool::trim() {
  if (bytes_ != 0 || links_.capacity() <= kKeptLinks) return;
  std::vector<Link>().swap(links_);
  free_ = 0;
}

}  // namespace larder::core
