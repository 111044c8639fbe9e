// How a number of a spreadsheet is shown.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace slipway::documents::detail {

/// The number formats of a workbook, as far as they change what a number means: dates, times and
/// percentages. Signs of money, thousands and rounding are left to the reader.
class NumberFormats {
 public:
  /// Of xl/styles.xml.
  Result<void> read(std::string_view xml);

  /// `value` as the cell style `style` shows it; what is no number comes back as it is.
  std::string show(const std::string& value, std::size_t style, bool counts_from_1904) const;

 private:
  enum class Kind { plain, date, time, date_time, percent };
  Kind kind_of(int format) const;

  std::map<int, std::string> codes_;
  std::vector<int> styles_;  ///< Number format of every cell style.
};

}  // namespace slipway::documents::detail
