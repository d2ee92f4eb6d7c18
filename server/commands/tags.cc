// Tags of keys: giving and taking them, and asking for them. SET ... TAGS is in string.cc, deleting
// by tag in tags_delete.cc.
#include <memory>
#include <string>

#include "server/commands/families.h"
#include "server/core/call.h"
#include "server/core/scan_arguments.h"
#include "server/core/scan_reply.h"
#include "server/core/slice_timer.h"
#include "server/core/tag_arguments.h"
#include "storage/held_bytes.h"
#include "storage/tag_walk.h"

namespace larder::commands {
namespace {

using namespace core;  // NOLINT: the vocabulary of every handler
using storage::Entry;
using storage::Key;
using storage::KeyPattern;
using storage::TagNameCollector;
using storage::TagScanner;

constexpr size_t kScanCountDefault = 10;

void tagadd(Call& call) {
  Args args = call.args(2);
  const auto tags = read_tags(args);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Key key = call.key(1);
  const storage::Result<size_t> added = db->add_tags(key, tags);
  if (!added.ok()) return call.fail(added.status());
  if (added.value() > 0) call.notify(kEventGeneric, "tagadd", key);
  call.reply().integer(static_cast<int64_t>(added.value()));
}

void tagrem(Call& call) {
  Args args = call.args(2);
  const auto tags = read_tags(args);
  if (args.failed()) return call.fail(args.error());
  DatabaseLock db = call.lock();
  const Key key = call.key(1);
  const size_t removed = db->remove_tags(key, tags);
  if (removed > 0) call.notify(kEventGeneric, "tagrem", key);
  call.reply().integer(static_cast<int64_t>(removed));
}

void tags(Call& call) {
  DatabaseLock db = call.lock();
  const Key key = call.key(1);
  const Entry* entry = db->find(key, storage::Keyspace::Access::kInspect);
  if (entry == nullptr) return call.reply().null_array();
  const storage::TagIds ids = entry->tags();
  call.reply().set(ids.size());
  for (size_t i = 0; i < ids.size(); i++) call.reply().bulk(db->tag_name(key, ids[i]));
}

// --- TAGCARD and TAGINFO.

class CountKeys final : public Continuation {
 public:
  CountKeys(Call& call, std::span<const std::string_view> tags)
      : names_(tags.begin(), tags.end()),
        counts_(tags.size()),
        database_(call.client().database()) {}

  Progress resume(Call& call) override {
    const SliceTimer timer;
    for (; at_ < names_.size(); at_++, shard_ = 0) {
      for (; shard_ < storage::Store::kShards; shard_++) {
        if (timer.over()) return Progress::kAgain;
        counts_[at_] += call.store().with_shard(call.held(), shard_, [&](const auto& locked) {
          const storage::Table& table = call.store().table(locked, shard_, database_);
          return table.count_tagged(names_[at_], call.now_ms());
        });
      }
    }
    Reply& reply = call.reply();
    if (counts_.size() > 1) reply.array(counts_.size());
    for (const uint64_t count : counts_) reply.integer(static_cast<int64_t>(count));
    return Progress::kDone;
  }

 private:
  const std::vector<std::string> names_;
  std::vector<uint64_t> counts_;
  const size_t database_;
  size_t at_ = 0;
  size_t shard_ = 0;
};

void tagcard(Call& call) {
  Args args = call.args();
  const auto tags = read_tags(args);
  if (args.failed()) return call.fail(args.error());
  call.work_in_slices(std::make_unique<CountKeys>(call, tags));
}

class DescribeTag final : public Continuation {
 public:
  DescribeTag(Call& call, std::string_view tag)
      : name_(tag), scanner_(call.store(), call.client().database()) {}

  Progress resume(Call& call) override {
    const SliceTimer timer;
    while (!scanner_.finished()) {
      if (timer.over()) return Progress::kAgain;
      size_t entries = kEntriesPerStep;
      scanner_.step(call.held(), name_, call.now_ms(), entries, [&](const Entry& entry) {
        keys_++;
        bytes_ += storage::held_bytes(entry);
      });
    }
    answer(call);
    return Progress::kDone;
  }

 private:
  static constexpr size_t kEntriesPerStep = 100;

  void answer(Call& call) const {
    const size_t database = call.client().database();
    const auto now = storage::uses_of_tag(call.store(), call.held(), database, name_);
    const TagHistory::Past past = call.server().tag_history.find(database, name_);
    call.reply().map(6);
    field(call, "keys", keys_);
    field(call, "bytes", bytes_);
    field(call, "hits", now.hits + past.hits);
    field(call, "misses", now.misses + past.misses);
    field(call, "invalidations", past.deletions);
    call.reply().bulk("last_invalidated_ms_ago");
    call.reply().integer(past.deletions > 0 ? call.now_ms() - past.last_deleted_ms : -1);
  }
  static void field(Call& call, std::string_view name, uint64_t value) {
    call.reply().bulk(name);
    call.reply().integer(static_cast<int64_t>(value));
  }

  const std::string name_;
  TagScanner scanner_;
  uint64_t keys_ = 0;
  uint64_t bytes_ = 0;
};

void taginfo(Call& call) {
  Args args = call.args();
  const auto tag = read_tags(args);
  if (args.failed()) return call.fail(args.error());
  call.work_in_slices(std::make_unique<DescribeTag>(call, tag[0]));
}

// --- TAGSCAN and TAGNAMES.

class ScanTag final : public Continuation {
 public:
  ScanTag(Call& call, std::string_view tag, uint64_t cursor, size_t count)
      : name_(tag), scanner_(call.store(), call.client().database(), cursor), left_(count) {}

  Progress resume(Call& call) override {
    const SliceTimer timer;
    while (!scanner_.finished() && left_ > 0) {
      if (timer.over()) return Progress::kAgain;
      const size_t part = std::min(left_, kEntriesPerStep);
      size_t unspent = part;
      scanner_.step(call.held(), name_, call.now_ms(), unspent,
                    [&](const Entry& entry) { reply_.found().add(entry.key()); });
      left_ -= part - unspent;
    }
    return reply_.write(call.reply(), scanner_.cursor());
  }

  bool replying() const override { return reply_.begun(); }

 private:
  static constexpr size_t kEntriesPerStep = 100;

  const std::string name_;
  TagScanner scanner_;
  size_t left_;
  ScanReply reply_;
};

void tagscan(Call& call) {
  Args tag_args(call.arguments().first(2));
  const auto tag = read_tags(tag_args);
  if (tag_args.failed()) return call.fail(tag_args.error());
  Args args = call.args(2);
  const uint64_t cursor = read_scan_cursor(args);
  size_t count = kScanCountDefault;
  while (!args.done()) {
    if (args.option("COUNT", 1)) {
      count = static_cast<size_t>(read_scan_count(args));
    } else {
      args.fail(errors::kSyntax);
    }
  }
  if (args.failed()) return call.fail(args.error());
  call.work_in_slices(std::make_unique<ScanTag>(call, tag[0], cursor, count));
}

class ListTags final : public Continuation {
 public:
  ListTags(Call& call, uint64_t cursor, const ElementScan& scan)
      : pattern_text_(scan.pattern),
        pattern_(pattern_text_),
        tags_(call.store(), call.client().database(), cursor, scan.count) {}

  Progress resume(Call& call) override {
    const SliceTimer timer;
    for (; !tags_.finished(); tags_.step(call.held(), call.now_ms())) {
      if (timer.over()) return Progress::kAgain;
    }
    if (!reply_.begun()) {
      tags_.each([&](std::string_view name) {
        if (pattern_.matches(name)) reply_.found().add(name);
      });
    }
    return reply_.write(call.reply(), tags_.cursor());
  }

  bool replying() const override { return reply_.begun(); }

 private:
  const std::string pattern_text_;
  const KeyPattern pattern_;
  TagNameCollector tags_;
  ScanReply reply_;
};

void tagnames(Call& call) {
  Args args = call.args();
  const uint64_t cursor = read_scan_cursor(args);
  const ElementScan scan = read_element_scan(args, /*values_may_be_left_out=*/false);
  if (args.failed()) return call.fail(args.error());
  call.work_in_slices(std::make_unique<ListTags>(call, cursor, scan));
}

constexpr CommandRow kRows[] = {
    {.name = "tagadd",
     .handler = tagadd,
     .arity = -3,
     .flags = kWrite | kDenyOom | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kTags,
     .since = "larder",
     .complexity = "O(N) with N tags given",
     .syntax = "key tag [tag ...]",
     .summary = "Gives a key tags; answers how many of them it did not have."},
    {.name = "tagrem",
     .handler = tagrem,
     .arity = -3,
     .flags = kWrite | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRW | kUpdate),
     .group = Group::kTags,
     .since = "larder",
     .complexity = "O(N) with N tags given",
     .syntax = "key tag [tag ...]",
     .summary = "Takes tags from a key; answers how many of them it had."},
    {.name = "tags",
     .handler = tags,
     .arity = 2,
     .flags = kReadonly | kFast,
     .categories = kAclKeyspace,
     .keys = one_key(kRO),
     .group = Group::kTags,
     .since = "larder",
     .complexity = "O(N) with N tags of the key",
     .syntax = "key",
     .summary = "Answers the tags of a key, null if there is no such key."},
    {.name = "tagcard",
     .handler = tagcard,
     .arity = -2,
     .flags = kReadonly | kWholeKeyspace,
     .categories = kAclKeyspace,
     .group = Group::kTags,
     .since = "larder",
     .complexity = "O(N) with N tags given; O(keys) where some of the keys may have expired",
     .syntax = "tag [tag ...]",
     .summary = "Answers how many keys have a tag, for several an array."},
    {.name = "tagscan",
     .handler = tagscan,
     .arity = -3,
     .flags = kReadonly | kWholeKeyspace,
     .categories = kAclKeyspace,
     .group = Group::kTags,
     .since = "larder",
     .complexity = "O(N) with N the COUNT; a whole iteration is O(keys)",
     .syntax = "tag cursor [COUNT count]",
     .summary = "Answers some of the keys with a tag, and a cursor to go on from."},
    {.name = "tagnames",
     .handler = tagnames,
     .arity = -2,
     .flags = kReadonly | kWholeKeyspace,
     .categories = kAclKeyspace,
     .group = Group::kTags,
     .since = "larder",
     .complexity = "O(N) with N the COUNT, beside one pass over the shards",
     .syntax = "cursor [MATCH pattern] [COUNT count]",
     .summary = "Answers some of the tags that keys have, and a cursor to go on from."},
    {.name = "taginfo",
     .handler = taginfo,
     .arity = 2,
     .flags = kReadonly | kWholeKeyspace,
     .categories = kAclKeyspace,
     .group = Group::kTags,
     .since = "larder",
     .complexity = "O(N) with N keys that have the tag",
     .syntax = "tag",
     .summary = "Answers what is known of a tag: keys, bytes, hits, misses, invalidations."},
};

}  // namespace

core::Family tag_commands() {
  return kRows;
}

}  // namespace larder::commands
