// ZIP files for tests, good and bad ones.
#pragma once

#include <zlib.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::documents::detail {

class TestZip {
 public:
  struct Part {
    std::string name;
    std::string data;
    std::string packed = {};      ///< Deflated `data` when given; else stored.
    std::uint64_t declared = 0;   ///< Size that the directory says; 0: the true one.
    std::uint32_t wrong_sum = 0;  ///< Added to the checksum.
    int flags = 0;
  };
  std::vector<Part> parts;

  std::string bytes() const {
    std::string out;
    std::string directory;
    for (const Part& part : parts) {
      const std::string& body = part.packed.empty() ? part.data : part.packed;
      const auto sum = static_cast<std::uint32_t>(
          crc32_z(0, reinterpret_cast<const Bytef*>(part.data.data()), part.data.size()));
      std::string common;
      number(common, 20, 2);
      number(common, static_cast<std::uint64_t>(part.flags), 2);
      number(common, part.packed.empty() ? 0 : 8, 2);
      number(common, 0, 4);
      number(common, sum + part.wrong_sum, 4);
      number(common, body.size(), 4);
      number(common, part.declared == 0 ? part.data.size() : part.declared, 4);
      number(common, part.name.size(), 2);
      number(common, 0, 2);
      directory += "PK\x01\x02";
      number(directory, 20, 2);
      directory += common;
      number(directory, 0, 10);
      number(directory, out.size(), 4);
      directory += part.name;
      out += "PK\x03\x04" + common + part.name + body;
    }
    const std::size_t start = out.size();
    out += directory + "PK\x05\x06";
    number(out, 0, 4);
    number(out, parts.size(), 2);
    number(out, parts.size(), 2);
    number(out, directory.size(), 4);
    number(out, start, 4);
    number(out, 0, 2);
    return out;
  }

  static std::string deflated(std::string_view data) {
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, data.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
    stream.avail_in = static_cast<uInt>(data.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
  }

 private:
  static void number(std::string& out, std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) out += i < 8 ? static_cast<char>(value >> (8 * i)) : '\0';
  }
};

/// A DOCX of the given content of w:body.
inline std::string docx_of(const std::string& body) {
  return TestZip{
      {{"_rels/.rels",
        "<Relationships><Relationship Id='r1' Type='x/officeDocument' "
        "Target='word/document.xml'/></Relationships>"},
       {"word/document.xml", "<w:document xmlns:w='w'><w:body>" + body + "</w:body></w:document>"}}}
      .bytes();
}

/// A file of tests/data/documents.
inline std::string test_file(std::string_view name) {
  std::ifstream file(std::string(SLIPWAY_TEST_DATA) + "/" + std::string(name), std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

}  // namespace slipway::documents::detail
