#include "http/upload.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace slipway;
using namespace slipway::http;

namespace {

constexpr std::string_view type = "multipart/form-data; boundary=XX";

std::string part(std::string_view header, std::string_view content) {
  return fmt::format("--XX\r\nContent-Disposition: form-data; {}\r\n\r\n{}\r\n", header, content);
}

FormData must_read(std::string_view body, const UploadLimits& limits = {}) {
  auto form = read_form(type, body, limits);
  if (!form) FAIL(form.error().message());
  return *std::move(form);
}

std::string error_of(std::string_view body, const UploadLimits& limits = {},
                     std::string_view content_type = type) {
  const auto form = read_form(content_type, body, limits);
  REQUIRE_FALSE(form);
  CHECK(form.error().code() == Code::invalid_argument);
  return form.error().message();
}

}  // namespace

TEST_CASE("a form gives its files with their bytes and its fields in their order") {
  const std::string body = part(R"(name="a")", "one") +
                           part(R"(name="files"; filename="x.md")", "# X\r\n--XY\r\n") +
                           part(R"(name="a")", "") + "--XX--\r\n";
  const FormData form = must_read(body);
  CHECK(form.fields == std::vector<std::pair<std::string, std::string>>{{"a", "one"}, {"a", ""}});
  REQUIRE(form.files.size() == 1);
  CHECK(form.files[0].field == "files");
  CHECK(form.files[0].name == "x.md");
  CHECK(*form.files[0].read() == "# X\r\n--XY\r\n");
  CHECK(form.files[0].size_bytes == 11);
}

TEST_CASE("a part's media type is kept, and a quoted boundary is understood") {
  const auto form =
      read_form("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"",
                "--a b\r\ncontent-type: application/pdf\r\nCONTENT-DISPOSITION: form-data; name=f; "
                "filename=a.pdf\r\n\r\n%PDF\r\n--a b--",
                {});
  REQUIRE(form);
  CHECK(form->files.at(0).media_type == "application/pdf");
}

TEST_CASE("a large file lies in the folder that was given and goes with its object") {
  std::string pattern = (std::filesystem::temp_directory_path() / "slipway-test-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  const std::string content(5000, 'x');
  {
    FormData form = must_read(part(R"(name="f"; filename="big")", content) + "--XX--",
                              {.file_bytes_in_memory = 1000, .folder = pattern});
    const UploadedFile file = std::move(form.files.at(0));
    CHECK(file.spilled().parent_path() == pattern);
    CHECK(std::filesystem::exists(file.spilled()));
    CHECK(*file.read() == content);
  }
  CHECK(std::filesystem::is_empty(pattern));
  std::filesystem::remove_all(pattern);
}

TEST_CASE("a file's name never leads out of where it is put") {
  CHECK(safe_file_name("a.md") == "a.md");
  CHECK(safe_file_name("docs/a.md") == "docs/a.md");
  CHECK(safe_file_name("../../etc/passwd") == "etc/passwd");
  CHECK(safe_file_name("/etc/passwd") == "etc/passwd");
  CHECK(safe_file_name("C:\\Users\\me\\a.pdf") == "Users/me/a.pdf");
  CHECK(safe_file_name("a/./b//..\\c") == "a/b/c");
  CHECK(safe_file_name(".. /x") == "x");
  CHECK(safe_file_name("...") == "");
  CHECK(safe_file_name(std::string("a\0b\n", 4)) == "ab");
  CHECK(safe_file_name(".hidden") == ".hidden");
  CHECK(safe_file_name(std::string(2000, 'a')) == "");
}

TEST_CASE("browsers' escapes in names are undone") {
  const FormData form =
      must_read(part(R"(name="a%22b"; filename="x%22%0d%0Ay 100%.md")", "1") + "--XX--");
  CHECK(form.files.at(0).field == "a\"b");
  CHECK(form.files.at(0).name == "x\"y 100%.md");
}

TEST_CASE("a file input where nothing was chosen is no file") {
  CHECK(must_read(part(R"(name="f"; filename="")", "") + "--XX--").files.empty());
  CHECK(error_of(part(R"(name="f"; filename="..")", "x") + "--XX--").find("names no file") !=
        std::string::npos);
}

TEST_CASE("a form that is broken anywhere is refused whole") {
  const std::string whole =
      part(R"(name="a")", "one") + part(R"(name="f"; filename="x")", "two") + "--XX--\r\n";
  must_read(whole);
  for (std::size_t length = 0; length + 2 < whole.size(); ++length)
    CHECK_FALSE(read_form(type, whole.substr(0, length), {}));
  CHECK_FALSE(read_form(type, "x" + whole, {}));
  CHECK_FALSE(read_form(type, whole + "x", {}));
  CHECK_FALSE(read_form(type, "--XX\r\nno colon\r\n\r\n\r\n--XX--", {}));
  CHECK_FALSE(read_form(type, "--XX\r\nA: b\r\n\r\n\r\n--XX--", {}));
  CHECK_FALSE(read_form(type, part("filename=x", "") + "--XX--", {}));
  CHECK_FALSE(read_form(type, part("name=\"x", "") + "--XX--", {}));
  CHECK_FALSE(read_form(type, part("name=\"\xff\"", "") + "--XX--", {}));
  CHECK_FALSE(read_form(type, part("name=a", "\xff") + "--XX--", {}));
}

TEST_CASE("limits of a form are told with their number") {
  const std::string field = part("name=a", "12345");
  const std::string file = part("name=f; filename=f", "12345");
  CHECK(error_of(field + field + "--XX--", {.fields_max = 1}).find("more than 1 fields") !=
        std::string::npos);
  CHECK(error_of(field + field + "--XX--", {.field_bytes_max = 9}).find("larger than 9 bytes") !=
        std::string::npos);
  CHECK(error_of(file + file + "--XX--", {.files_max = 1}).find("more than 1 files") !=
        std::string::npos);
  CHECK(error_of(field + "--XX--", {.part_header_bytes_max = 20}).find("within 20 bytes") !=
        std::string::npos);
}

TEST_CASE("a boundary that cannot be one and an encoded part are refused") {
  CHECK(error_of("", {}, "multipart/form-data").find("boundary") != std::string::npos);
  CHECK(error_of("", {}, "multipart/form-data; boundary=\"\"").find("boundary") !=
        std::string::npos);
  CHECK(
      error_of("", {}, "multipart/form-data; boundary=" + std::string(71, 'a')).find("boundary") !=
      std::string::npos);
  CHECK(error_of("--XX\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: "
                 "base64\r\n\r\neA==\r\n--XX--")
            .find("base64") != std::string::npos);
}
