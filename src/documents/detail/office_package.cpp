#include "documents/detail/office_package.hpp"

#include "core/unicode.hpp"

namespace slipway::documents::detail {

Result<OfficePackage> OfficePackage::open(const ReadTask& task) {
  OfficePackage package(TRY(ZipArchive::open(task.bytes, unpacked_bytes_max(task))));
  if (!package.has("_rels/.rels"))
    return fail(Code::invalid_argument, "its part '_rels/.rels' is missing; it is damaged");
  package.root_ = TRY(package.relationships(""));
  package.main_part_ = target_of(package.root_, "officeDocument");
  if (package.main_part_.empty() || !package.has(package.main_part_))
    return fail(Code::invalid_argument, "its main part '{}' is missing; it is damaged",
                package.main_part_);
  return package;
}

Result<std::string> OfficePackage::read(std::string_view part) {
  return decode_xml(TRY(zip_.read(part))).within(part);
}

Result<Relationships> OfficePackage::relationships(std::string_view part) {
  const std::size_t slash = part.find_last_of('/');
  const std::size_t folder = slash == std::string_view::npos ? 0 : slash + 1;
  const std::string name =
      fmt::format("{}_rels/{}.rels", part.substr(0, folder), part.substr(folder));
  Relationships all;
  if (!has(name)) return all;
  const std::string xml = TRY(read(name));
  TRY(for_each_start(xml, [&](XmlReader& reader) -> Result<void> {
        if (reader.name() != "Relationship") return {};
        const std::string type = reader.attribute("Type");
        const bool is_outside = reader.attribute("TargetMode") == "External";
        all[reader.attribute("Id")] = {
            type.substr(type.find_last_of('/') + 1),
            is_outside ? std::string() : resolve_part(part, reader.attribute("Target"))};
        return {};
      }).within(name));
  return all;
}

std::string OfficePackage::target_of(const Relationships& relationships, std::string_view type) {
  for (const auto& [id, relationship] : relationships)
    if (relationship.type == type && !relationship.target.empty()) return relationship.target;
  return {};
}

Result<void> OfficePackage::read_properties(Document& document) {
  const std::string part = target_of(root_, "core-properties");
  if (part.empty() || !has(part)) return {};
  const std::string xml = TRY(read(part));
  return for_each_start(xml,
                        [&](XmlReader& reader) -> Result<void> {
                          if (reader.depth() != 2) return {};
                          const std::string name(reader.name());
                          note_property(name, TRY(reader.inner_text()), document);
                          return {};
                        })
      .within(part);
}

std::string resolve_part(std::string_view from_part, std::string_view target) {
  const std::size_t slash = from_part.find_last_of('/');
  std::string path(target.starts_with('/') || slash == std::string_view::npos
                       ? std::string_view()
                       : from_part.substr(0, slash));
  std::string_view rest = target;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view step = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (step.empty() || step == ".") continue;
    if (step == "..") {
      const std::size_t last = path.find_last_of('/');
      path.resize(last == std::string::npos ? 0 : last);
      continue;
    }
    if (!path.empty()) path += '/';
    path += step;
  }
  return path;
}

Result<void> for_each_start(std::string_view xml,
                            const std::function<Result<void>(XmlReader&)>& visit) {
  XmlReader reader(xml);
  while (true) {
    const XmlEvent event = TRY(reader.next());
    if (event == XmlEvent::done) return {};
    if (event == XmlEvent::start) TRY(visit(reader));
  }
}

void note_property(std::string_view name, std::string_view value, Document& document) {
  const std::string clean = clean_title(value);
  if (clean.empty()) return;
  if (name == "title") {
    if (document.title.empty()) document.title = clean;
    return;
  }
  if (name == "keywords") {
    if (json::Array words = split_keywords(value); !words.empty())
      document.metadata["keywords"] = std::move(words);
    return;
  }
  constexpr std::pair<std::string_view, std::string_view> keys[] = {
      {"creator", "author"},      {"initial-creator", "author"},
      {"created", "created"},     {"creation-date", "created"},
      {"modified", "modified"},   {"description", "description"},
      {"language", "language"},   {"subject", "subject"},
      {"publisher", "publisher"}, {"date", "date"},
      {"category", "category"},   {"identifier", "identifier"}};
  for (const auto& [from, key] : keys)
    if (name == from && !document.metadata.contains(key)) document.metadata[key] = clean;
}

bool is_on(const std::string& value, bool missing) {
  if (value.empty()) return missing;
  return value != "0" && value != "false" && value != "off" && value != "none";
}

}  // namespace slipway::documents::detail
