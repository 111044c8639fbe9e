// Writes small PDF files for tests: Helvetica text at given places, one content stream a page.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::documents::detail {

struct TestPdfText {
  double x = 72;
  double y = 700;  ///< From the bottom, as PDF counts.
  std::string text;
  int size = 11;
};

class TestPdf {
 public:
  /// What the Info dictionary says, like "/Title (A title)".
  std::string info;
  std::vector<std::vector<TestPdfText>> pages;
  bool has_pictures = false;  ///< One that fills the page, on each: as a scanner writes.

  std::string bytes() const {
    const std::size_t first_page = 6;
    std::vector<std::string> objects{"<< /Type /Catalog /Pages 2 0 R >>", page_tree(first_page),
                                     "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica "
                                     "/Encoding /WinAnsiEncoding >>",
                                     fmt::format("<< {} >>", info),
                                     "<< /Type /XObject /Subtype /Image /Width 2 /Height 2 "
                                     "/ColorSpace /DeviceGray /BitsPerComponent 8 /Length 4 >>\n"
                                     "stream\nAzAz\nendstream"};
    for (std::size_t i = 0; i < pages.size(); ++i) {
      objects.push_back(
          fmt::format("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R "
                      "/Resources << /Font << /F1 3 0 R >> /XObject << /I1 5 0 R >> >> >>",
                      first_page + 2 * i + 1));
      const std::string picture = has_pictures ? "q 595 0 0 842 0 0 cm /I1 Do Q\n" : "";
      const std::string stream = picture + content(pages[i]);
      objects.push_back(
          fmt::format("<< /Length {} >>\nstream\n{}endstream", stream.size(), stream));
    }
    return assemble(objects);
  }

 private:
  std::string page_tree(std::size_t first_page) const {
    std::string kids;
    for (std::size_t i = 0; i < pages.size(); ++i)
      kids += fmt::format("{} 0 R ", first_page + 2 * i);
    return fmt::format("<< /Type /Pages /Kids [ {}] /Count {} >>", kids, pages.size());
  }

  static std::string content(const std::vector<TestPdfText>& texts) {
    std::string stream;
    for (const TestPdfText& text : texts) {
      std::string escaped;
      for (const char c : text.text) {
        if (c == '(' || c == ')' || c == '\\') escaped += '\\';
        escaped += c;
      }
      stream +=
          fmt::format("BT /F1 {} Tf {} {} Td ({}) Tj ET\n", text.size, text.x, text.y, escaped);
    }
    return stream;
  }

  static std::string assemble(const std::vector<std::string>& objects) {
    std::string file = "%PDF-1.4\n%\xE2\xE3\xCF\xD3\n";
    std::vector<std::size_t> offsets;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      offsets.push_back(file.size());
      file += fmt::format("{} 0 obj\n{}\nendobj\n", i + 1, objects[i]);
    }
    const std::size_t table = file.size();
    file += fmt::format("xref\n0 {}\n0000000000 65535 f \n", objects.size() + 1);
    for (const std::size_t offset : offsets) file += fmt::format("{:010} 00000 n \n", offset);
    file += fmt::format("trailer\n<< /Size {} /Root 1 0 R /Info 4 0 R >>\nstartxref\n{}\n%%EOF\n",
                        objects.size() + 1, table);
    return file;
  }
};

}  // namespace slipway::documents::detail
