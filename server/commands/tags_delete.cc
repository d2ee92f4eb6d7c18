// TAGDEL and TAGDELEX: deleting tags with the keys that carry them. The keys are gone when the
// command answers; their memory is freed behind it (storage/tag_reaper.h).
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/slice_timer.h"
#include "server/core/tag_arguments.h"
#include "storage/tag_deletion.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Key;
using storage::TagDeletion;
using Which = TagDeletion::Which;

std::vector<std::string> distinct(std::span<const std::string_view> tags) {
  std::vector<std::string> names(tags.begin(), tags.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

class DeleteTags final : public Continuation {
 public:
  DeleteTags(Call& call, std::span<const std::string_view> tags, Which which)
      : deletion_(call.store(), call.client().database(), distinct(tags), which),
        whole_tags_(which == Which::kAny || deletion_.names().size() == 1) {}

  Progress resume(Call& call) override {
    const auto notify = [&](size_t database, const Key& key) {
      call.notify_in(database, kEventGeneric, "tagdel", key);
    };
    TagDeletion::Tell tell(notify);
    const bool wanted = call.server().keyspace_events.wants(kEventGeneric);
    const SliceTimer timer;
    while (!deletion_.finished()) {
      if (timer.over()) return Progress::kAgain;
      deletion_.step(call.held(), call.now_ms(), wanted ? &tell : nullptr);
    }
    if (whole_tags_) remember(call);
    call.counters().invalidations_by_tag.add(deletion_.keys());
    call.reply().integer(static_cast<int64_t>(deletion_.keys()));
    return Progress::kDone;
  }

 private:
  void remember(Call& call) const {
    for (size_t i = 0; i < deletion_.names().size(); i++) {
      const storage::TagUses& uses = deletion_.uses()[i];
      call.server().tag_history.note_deleted(call.client().database(), deletion_.names()[i],
                                             uses.hits, uses.misses, call.now_ms());
    }
  }

  TagDeletion deletion_;
  const bool whole_tags_;  // go, not only those of their keys that have the other tags
};

void tagdel(Call& call) {
  Args args = call.args();
  const auto tags = read_tags(args);
  if (args.failed()) return call.fail(args.error());
  call.work_in_slices(std::make_unique<DeleteTags>(call, tags, Which::kAny));
}

void tagdelex(Call& call) {
  Args args = call.args();
  const auto tags = read_counted_tags(args, SIZE_MAX);
  const Which which = args.option("ALL") ? Which::kAll : Which::kAny;
  if (which == Which::kAny) args.option("ANY");
  if (!args.done()) args.fail(errors::kSyntax);
  if (args.failed()) return call.fail(args.error());
  call.work_in_slices(std::make_unique<DeleteTags>(call, tags, which));
}

constexpr CommandRow kRows[] = {
    {.name = "tagdel",
     .handler = tagdel,
     .arity = -2,
     .flags = kWrite | kWholeKeyspace,
     .categories = kAclKeyspace,
     .group = Group::kTags,
     .since = "larder",
     .complexity = "O(N) with N tags given; O(keys) where some of the keys may have expired, for "
                   "several tags, and while keys are watched, tracked or notified about",
     .syntax = "tag [tag ...]",
     .summary = "Deletes all keys with one of the tags; answers how many there were."},
    {.name = "tagdelex",
     .handler = tagdelex,
     .arity = -3,
     .flags = kWrite | kWholeKeyspace,
     .categories = kAclKeyspace,
     .group = Group::kTags,
     .since = "larder",
     .complexity = "As TAGDEL; for ALL, O(keys of the tag that fewest keys have)",
     .syntax = "numtags tag [tag ...] [ANY | ALL]",
     .summary = "Deletes all keys with any, or with all, of the tags; answers how many."},
};

}  // namespace

core::Family tag_deletion_commands() {
  return kRows;
}

}  // namespace larder::commands
