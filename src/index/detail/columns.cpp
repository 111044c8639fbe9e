#include "index/detail/columns.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "index/detail/filter_tree.hpp"
#include "index/detail/segment.hpp"

namespace slipway::index {

namespace {

constexpr std::size_t columns_max = 64;  // Kept for one segment; further keys are read anew.

}  // namespace

void Bits::set_range(std::size_t first, std::size_t last) {
  for (; first < last && first % 32 != 0; ++first) set(first);
  for (; first + 32 <= last; first += 32) words_[first / 32] = 0xFFFF'FFFFu;
  for (; first < last; ++first) set(first);
}

std::size_t Bits::count() const {
  return std::accumulate(words_.begin(), words_.end(), std::size_t{0},
                         [](std::size_t sum, std::uint32_t word) {
                           return sum + static_cast<std::size_t>(std::popcount(word));
                         });
}

Bits& Bits::operator&=(const Bits& other) {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  return *this;
}

Bits& Bits::operator|=(const Bits& other) {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  return *this;
}

void Bits::flip() {
  for (std::uint32_t& word : words_) word = ~word;
  trim();
}

void Bits::trim() {
  if (size_ % 32 != 0) words_.back() &= (1u << (size_ % 32)) - 1;
}

namespace {

/// Values of one type in rising order, each with the documents that have it.
class Group {
 public:
  void add(Operand value, std::uint32_t document) {
    entries_.push_back({std::move(value), document});
  }

  void finish() {
    std::stable_sort(entries_.begin(), entries_.end(),
                     [](const Entry& a, const Entry& b) { return sign(a.value, b.value) < 0; });
  }

  /// Sets the documents with a value that has one of these signs against the operand.
  void select(const Operand& operand, bool less, bool equal, bool greater, Bits& bits) const {
    const auto low = std::partition_point(entries_.begin(), entries_.end(), [&](const Entry& e) {
      return sign(e.value, operand) < 0;
    });
    const auto high = std::partition_point(
        low, entries_.end(), [&](const Entry& e) { return sign(e.value, operand) == 0; });
    if (less) set(entries_.begin(), low, bits);
    if (equal) set(low, high, bits);
    if (greater) set(high, entries_.end(), bits);
  }

  /// Sets the documents whose string has `part` in it.
  void select_containing(std::string_view part, Bits& bits) const {
    for (const Entry& entry : entries_)
      if (std::string_view(entry.value.value.get_string()).find(part) != std::string_view::npos)
        bits.set(entry.document);
  }

 private:
  struct Entry {
    Operand value;
    std::uint32_t document = 0;
  };
  using Position = std::vector<Entry>::const_iterator;

  /// Of two values of one type.
  static int sign(const Operand& a, const Operand& b) {
    if (a.value.is_bool())
      return static_cast<int>(a.value.get_bool()) - static_cast<int>(b.value.get_bool());
    if (a.time) return *a.time < *b.time ? -1 : static_cast<int>(*b.time < *a.time);
    return *compare(a.value, b);
  }
  static void set(Position from, Position to, Bits& bits) {
    for (; from != to; ++from) bits.set(from->document);
  }

  std::vector<Entry> entries_;
};

enum class Type { boolean, number, text, time };
constexpr std::size_t type_count = 4;

std::optional<Type> type_of(const Operand& operand) {
  if (operand.value.is_bool()) return Type::boolean;
  if (operand.value.is_number()) return Type::number;
  if (operand.value.is_string()) return operand.time ? Type::time : Type::text;
  return std::nullopt;
}

/// Scalars are compared, items of a list are only asked for.
struct Groups {
  Group by_type[type_count];
  Group& of(Type type) { return by_type[static_cast<std::size_t>(type)]; }
  const Group& of(Type type) const { return by_type[static_cast<std::size_t>(type)]; }
};

Operand operand_of(const json::Value& value) {
  Operand operand{value, {}};
  if (value.is_string()) operand.time = time_of(value.get_string());
  return operand;
}

void add_to(Groups& groups, const json::Value& value, std::uint32_t document) {
  Operand operand = operand_of(value);
  if (const auto type = type_of(operand)) groups.of(*type).add(std::move(operand), document);
}

}  // namespace

struct Column {
  Bits present;
  Groups scalars, items;

  void add(const json::Value& value, std::uint32_t document) {
    present.set(document);
    if (!value.is_array()) return add_to(scalars, value, document);
    for (const json::Value& item : value.get_array()) add_to(items, item, document);
  }

  void finish() {
    for (Groups* groups : {&scalars, &items})
      for (Group& group : groups->by_type) group.finish();
  }

  /// Documents whose value is one of the operands, or a list with one.
  Bits meets(const std::vector<Operand>& operands) const {
    Bits bits(present.size());
    for (const Operand& operand : operands)
      for (const Groups* groups : {&scalars, &items})
        groups->of(*type_of(operand)).select(operand, false, true, false, bits);
    return bits;
  }

  Bits contains(const Operand& operand) const {
    Bits bits(present.size());
    items.of(*type_of(operand)).select(operand, false, true, false, bits);
    if (operand.value.is_string())
      for (const Type type : {Type::text, Type::time})
        scalars.of(type).select_containing(operand.value.get_string(), bits);
    return bits;
  }

  Bits compared(Op op, const Operand& operand) const {
    Bits bits(present.size());
    scalars.of(*type_of(operand))
        .select(operand, op == Op::lt || op == Op::lte, op == Op::lte || op == Op::gte,
                op == Op::gt || op == Op::gte, bits);
    return bits;
  }

  Bits select(const Filter::Node& node) const {
    Bits bits;
    switch (node.op) {
      case Op::exists: bits = present; break;
      case Op::contains: return contains(node.operands.front());
      case Op::eq:
      case Op::in:
      case Op::ne:
      case Op::nin: bits = meets(node.operands); break;
      default: return compared(node.op, node.operands.front());
    }
    const bool is_turned =
        node.op == Op::ne || node.op == Op::nin || (node.op == Op::exists && !node.exists);
    if (is_turned) bits.flip();
    return bits;
  }
};

Columns::~Columns() = default;

Result<Columns::ColumnPointer> Columns::column(const Filter::Node& node) const {
  const std::string name = (node.is_own ? "own " : "metadata ") + node.key;
  auto known = columns_.with([&](auto& columns) {
    const auto found = columns.find(name);
    return found == columns.end() ? nullptr : found->second;
  });
  if (known) return known;
  auto made = std::make_shared<Column>();
  made->present = Bits(segment_.documents());
  for (std::uint32_t d = 0; d < segment_.documents(); ++d) {
    const auto parsed = json::parse(segment_.attributes(d));
    if (!parsed || !parsed->is_object())
      return fail(Code::invalid_argument,
                  "the stored attributes of document {} are damaged; run slipway doctor",
                  segment_.document_id(d));
    if (const json::Value* value = find_value(node, parsed->get_object())) made->add(*value, d);
  }
  made->finish();
  return columns_.with([&](auto& columns) -> ColumnPointer {
    if (columns.size() >= columns_max) columns.clear();
    return columns.try_emplace(name, made).first->second;
  });
}

Result<Bits> Columns::select_node(const Filter::Node& node) const {
  if (node.op != Op::all && node.op != Op::any && node.op != Op::none)
    return TRY(column(node))->select(node);
  Bits bits(segment_.documents(), node.op != Op::any);
  for (const Filter::Node& child : node.children) {
    Bits part = TRY(select_node(child));
    if (node.op == Op::none) part.flip();
    if (node.op == Op::any)
      bits |= part;
    else
      bits &= part;
  }
  return bits;
}

Result<Bits> Columns::select(const Filter& filter) const {
  if (filter.passes_everything()) return Bits(segment_.documents(), true);
  return select_node(*filter.root());
}

}  // namespace slipway::index
