#include "eval/golden_dataset.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/json_exact.hpp"
#include "eval/detail/foreign_goldens.hpp"
#include "trace/sessions.hpp"

namespace slipway::eval {

namespace {

constexpr std::string_view digest_prefix = "sha256:";
constexpr std::size_t digest_digits = 64, digits_min = 8;
constexpr int page_size = 1000;
/// Of one transaction, as of `Datasets`.
constexpr std::size_t at_once_max = 20'000;

bool is_digest(std::string_view tag) { return tag.starts_with(digest_prefix); }

Result<datasets::Dataset> dataset_called(const Context& context, datasets::Datasets& datasets,
                                         const std::string& name) {
  auto dataset = datasets.read_named(context, name);
  if (dataset || dataset.error().code() != Code::not_found) return dataset;
  if (auto by_id = datasets.read(context, name)) return by_id;
  return fail(Code::not_found, "there is no dataset '{}'; 'slipway eval dataset list' names them",
              name.substr(0, 200));
}

/// The tag that is this digest, or begins with these digits of one. Versions that nobody asked the
/// digest of have no tag yet: they get one. Fails: not_found, conflict (several begin so).
Result<std::string> digest_tag(const Context& context, datasets::Datasets& datasets,
                               const datasets::Dataset& dataset, const std::string& wanted) {
  if (wanted.size() < digest_prefix.size() + digits_min)
    return fail(Code::invalid_argument, "'{}' is too short: at least {} digits tell a version",
                wanted, digits_min);
  std::set<std::string> found;
  for (const auto& info : TRY(datasets.versions(context, dataset.id, {.limit = page_size}))) {
    std::string digest;
    for (const std::string& tag : info.tags)
      if (is_digest(tag)) digest = tag;
    if (digest.empty())
      digest = TRY(golden_version(context, datasets, {dataset, {.tag = {}, .time = info.version}}))
                   .digest;
    if (digest.starts_with(wanted)) found.insert(digest);
  }
  if (found.empty())
    return fail(Code::not_found, "dataset '{}' has no version {}", dataset.name, wanted);
  if (found.size() > 1)
    return fail(Code::conflict, "{} versions of dataset '{}' begin with {}; give more digits",
                found.size(), dataset.name, wanted);
  return *found.begin();
}

/// Members of two JSON objects that differ, those of `metadata` one by one.
void differing(const json::Object& a, const json::Object& b, const std::string& prefix,
               std::vector<std::string>& out) {
  std::set<std::string> keys;
  for (const auto& item : a) keys.emplace(item.key());
  for (const auto& item : b) keys.emplace(item.key());
  for (const std::string& key : keys) {
    const json::Value* left = a.if_contains(key);
    const json::Value* right = b.if_contains(key);
    if (left != nullptr && right != nullptr && *left == *right) continue;
    if (key == "metadata" && prefix.empty()) {
      const json::Object none;
      differing(left != nullptr ? left->get_object() : none,
                right != nullptr ? right->get_object() : none, "metadata.", out);
    } else {
      out.push_back(prefix + key);
    }
  }
}

std::string text_with_id(const Golden& golden) { return golden.id + '\n' + canonical(golden); }

/// What has to be done to the examples of a dataset.
struct Plan {
  std::vector<datasets::NewExample> added;
  std::vector<datasets::ExampleChange> changed;
  std::vector<std::string> removed;
  std::size_t unchanged = 0;
};

datasets::ExampleChange change_of(const std::string& example_id, datasets::NewExample example) {
  datasets::ExampleChange change;
  change.id = example_id;
  change.inputs = std::move(example.inputs);
  // An empty object is no output: a change cannot take outputs away.
  change.outputs = example.outputs.value_or("{}");
  change.metadata = std::move(example.metadata);
  change.splits = example.splits.empty()
                      ? std::vector<std::string>{std::string(datasets::base_split)}
                      : std::move(example.splits);
  return change;
}

Plan plan_of(const std::vector<StoredGolden>& stored, const std::vector<Golden>& goldens,
             const std::string& dataset_id, Merge merge) {
  std::map<std::string, const StoredGolden*> known;
  for (const StoredGolden& one : stored) known[one.golden.id] = &one;
  Plan plan;
  std::set<std::string> coming;
  for (const Golden& golden : goldens) {
    coming.insert(golden.id);
    const auto old = known.find(golden.id);
    if (old == known.end())
      plan.added.push_back(example_of(golden, dataset_id));
    else if (text_with_id(old->second->golden) == text_with_id(golden))
      ++plan.unchanged;
    else
      plan.changed.push_back(change_of(old->second->example_id, example_of(golden, dataset_id)));
  }
  if (merge == Merge::instead)
    for (const StoredGolden& one : stored)
      if (!coming.contains(one.golden.id)) plan.removed.push_back(one.example_id);
  return plan;
}

template <typename Item, typename Write>
Result<void> in_pieces(std::vector<Item> items, const Write& write) {
  for (std::size_t begin = 0; begin < items.size(); begin += at_once_max) {
    const std::size_t end = std::min(begin + at_once_max, items.size());
    std::vector<Item> piece(std::make_move_iterator(items.begin() + static_cast<long>(begin)),
                            std::make_move_iterator(items.begin() + static_cast<long>(end)));
    TRY(write(std::move(piece)));
  }
  return {};
}

}  // namespace

datasets::NewExample example_of(const Golden& golden, const std::string& dataset_id) {
  json::Object record = detail::foreign_of(golden, GoldenFormat::langsmith);
  if (const auto back = detail::native_of(record, GoldenFormat::langsmith))
    detail::keep_own(golden, *back, GoldenFormat::langsmith, record);
  datasets::NewExample example;
  example.id = trace::uuid_of(dataset_id + "/golden/" + golden.id);
  example.inputs = json::dump(record.at("inputs"));
  if (const json::Value* outputs = record.if_contains("outputs"))
    example.outputs = json::dump(*outputs);
  example.metadata = record.at("metadata").get_object();
  // Also where it is what the content gives: others may change the content, and it stays that one.
  json::Value& own = example.metadata[detail::own_member];
  if (!own.is_object()) own.emplace_object();
  own.get_object()["id"] = golden.id;
  if (const json::Value* split = record.if_contains("split"))
    for (const json::Value& one : split->get_array())
      if (one.is_string()) example.splits.emplace_back(one.get_string());
  return example;
}

Result<Golden> golden_of(const datasets::Example& example) {
  const auto read = [&]() -> Result<Golden> {
    json::Object record{{"id", example.id}, {"metadata", example.metadata}};
    record["inputs"] = TRY(json::parse_exact(example.inputs).within("inputs"));
    if (example.outputs)
      record["outputs"] = TRY(json::parse_exact(*example.outputs).within("outputs"));
    json::Object native = TRY(detail::native_of(record, GoldenFormat::langsmith));
    detail::restore_own(record, GoldenFormat::langsmith, native);
    return parse_golden(native);
  };
  return read().within(fmt::format("example {}", example.id));
}

Result<NamedDataset> find_goldens(const Context& context, datasets::Datasets& datasets,
                                  const std::string& name) {
  // A name may have an @ in it.
  if (auto whole = dataset_called(context, datasets, name)) return NamedDataset{*whole, {}};
  const std::size_t at = name.rfind('@');
  NamedDataset named{TRY(dataset_called(context, datasets, name.substr(0, at))), {}};
  if (at == std::string::npos) return named;
  std::string version = name.substr(at + 1);
  if (is_digest(version)) version = TRY(digest_tag(context, datasets, named.dataset, version));
  named.as_of = TRY(datasets::parse_as_of(version));
  if (auto info = datasets.version(context, named.dataset.id, named.as_of); !info)
    return fail(info.error().code(), "dataset '{}' has no version '{}'", named.dataset.name,
                version);
  return named;
}

Result<std::vector<StoredGolden>> stored_goldens(const Context& context,
                                                 datasets::Datasets& datasets,
                                                 const NamedDataset& named) {
  std::vector<StoredGolden> all;
  datasets::ExampleQuery query{
      .dataset_id = named.dataset.id, .as_of = named.as_of, .limit = page_size};
  for (;;) {
    TRY(context.check());
    const auto page = TRY(datasets.examples(context, query));
    for (const datasets::Example& example : page)
      all.push_back({TRY(golden_of(example)), example.id});
    if (page.size() < static_cast<std::size_t>(page_size)) return all;
    query.after = page.back().place;
  }
}

Result<std::vector<Golden>> goldens_of(const Context& context, datasets::Datasets& datasets,
                                       const NamedDataset& named) {
  std::vector<Golden> goldens;
  for (StoredGolden& one : TRY(stored_goldens(context, datasets, named)))
    goldens.push_back(std::move(one.golden));
  return goldens;
}

Result<GoldenVersion> golden_version(const Context& context, datasets::Datasets& datasets,
                                     const NamedDataset& named) {
  GoldenVersion version;
  auto info = datasets.version(context, named.dataset.id, named.as_of);
  const bool is_current = named.as_of.tag.empty() && named.as_of.time == datasets::latest;
  if (!info && (!is_current || info.error().code() != Code::not_found)) return info.error();
  const auto goldens = TRY(goldens_of(context, datasets, named));
  version.size = goldens.size();
  version.digest = version_of(goldens);
  if (!info) return version;
  version.version = info->version;
  bool is_tagged = false;
  for (const std::string& tag : info->tags)
    if (is_digest(tag))
      is_tagged = is_tagged || tag == version.digest;
    else if (tag != "latest")
      version.aliases.push_back(tag);
  // A dataset with a thousand tags gets no more: its versions are then found by reading them.
  if (!is_tagged)
    (void)datasets.tag(context, named.dataset.id, {.tag = {}, .time = info->version},
                       version.digest);
  return version;
}

Result<std::vector<GoldenVersion>> golden_versions(const Context& context,
                                                   datasets::Datasets& datasets,
                                                   const std::string& dataset_id) {
  std::vector<GoldenVersion> all;
  for (const auto& info : TRY(datasets.versions(context, dataset_id, {.limit = page_size}))) {
    GoldenVersion& one = all.emplace_back();
    one.version = info.version;
    for (const std::string& tag : info.tags)
      if (is_digest(tag))
        one.digest = tag;
      else if (tag != "latest")
        one.aliases.push_back(tag);
  }
  return all;
}

Result<AddReport> add_goldens(const Context& context, datasets::Datasets& datasets,
                              const std::string& name, const std::vector<Golden>& goldens,
                              Merge merge) {
  auto dataset = datasets.read_named(context, name);
  if (!dataset && dataset.error().code() != Code::not_found) return dataset.error();
  if (!dataset) dataset = TRY(datasets.create(context, {.name = name}));
  const NamedDataset named{*dataset, {}};
  Plan plan = plan_of(TRY(stored_goldens(context, datasets, named)), goldens, dataset->id, merge);
  AddReport report{.dataset = dataset->name,
                   .added = plan.added.size(),
                   .changed = plan.changed.size(),
                   .unchanged = plan.unchanged,
                   .removed = plan.removed.size()};
  if (!plan.removed.empty())
    TRY(datasets.remove_examples(context, plan.removed, datasets::Removal::from_now_on));
  TRY(in_pieces(std::move(plan.changed), [&](auto piece) -> Result<void> {
    TRY(datasets.change_examples(context, dataset->id, std::move(piece)));
    return {};
  }));
  TRY(in_pieces(std::move(plan.added), [&](auto piece) -> Result<void> {
    TRY(datasets.add(context, dataset->id, std::move(piece)));
    return {};
  }));
  report.version = TRY(golden_version(context, datasets, named));
  return report;
}

GoldenDifference difference_of(const std::vector<Golden>& before,
                               const std::vector<Golden>& after) {
  std::map<std::string, const Golden*> old;
  for (const Golden& golden : before) old[golden.id] = &golden;
  GoldenDifference difference;
  for (const Golden& golden : after) {
    const auto found = old.find(golden.id);
    if (found == old.end()) {
      difference.added.push_back(golden);
      continue;
    }
    std::vector<std::string> members;
    differing(to_json(*found->second), to_json(golden), "", members);
    if (members.empty())
      ++difference.unchanged;
    else
      difference.changed.push_back({golden.id, std::move(members), *found->second, golden});
    old.erase(found);
  }
  for (const Golden& golden : before)
    if (old.contains(golden.id)) difference.removed.push_back(golden);
  return difference;
}

}  // namespace slipway::eval
