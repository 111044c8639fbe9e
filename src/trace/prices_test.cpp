#include "trace/prices.hpp"

#include <doctest/doctest.h>

namespace slipway::trace {

namespace {

PriceRow row(std::string model, std::string id, Nanoseconds valid_from) {
  PriceRow made;
  made.model = std::move(model);
  made.price_id = std::move(id);
  made.valid_from = valid_from;
  made.keys["input_cost_per_token"] = Price{1'000'000'000'000};
  return made;
}

}  // namespace

TEST_CASE("of a model's rows that one holds which began last before the call") {
  const PriceBook book({row("m", "shipped", 0)},
                       {row("m", "second", 200), row("m", "first", 100), row("m", "again", 200)});
  const auto id = [&](Nanoseconds time) { return book.find("m", "", time)->price_id; };
  CHECK(id(0) == "shipped");
  CHECK(id(-5) == "shipped");
  CHECK(id(99) == "shipped");
  CHECK(id(100) == "first");
  CHECK(id(199) == "first");
  CHECK(id(200) == "again");
  CHECK(book.find("n", "", 200) == nullptr);
  CHECK(book.find("", "m", 200) == nullptr);
}

TEST_CASE("an own row that matches by any rule goes before the shipped table") {
  const PriceBook book({row("m-2024-08-06", "dated", 0), row("answered", "shipped", 0)},
                       {row("m", "own", 0), row("asked", "own-asked", 0)});
  CHECK(book.find("m-2024-08-06", "", 1)->price_id == "own");
  CHECK(book.find_first({"answered", "asked"}, "", 1)->price_id == "own-asked");
  CHECK(book.find_first({"answered", "nobody"}, "", 1)->price_id == "shipped");
  CHECK(book.find_first({}, "", 1) == nullptr);
}

TEST_CASE("names are tried exactly, then with the provider, then without their date") {
  const PriceBook book({row("m", "bare", 0), row("p/m", "long", 0), row("p/only", "only", 0),
                        row("20240806", "date", 0)},
                       {});
  const auto id = [&](std::string_view model, std::string_view provider) {
    const PriceRow* found = book.find(model, provider, 1);
    return found == nullptr ? "" : found->price_id;
  };
  CHECK(id("m", "p") == "bare");
  CHECK(id("only", "p") == "only");
  CHECK(id("only-20240806", "p") == "only");
  CHECK(id("p/m-2024-08-06", "q") == "long");
  CHECK(id("m@20240806", "") == "bare");
  CHECK(id("m@2024-08-06", "") == "");
  CHECK(id("m-2024-02-32", "") == "");
  CHECK(id("m-18240806", "") == "");
  CHECK(id("m-20240806-20240806", "") == "");
  CHECK(id("-20240806", "") == "");
  CHECK(id("@20240806", "p") == "");
  CHECK(id("only", "") == "");
  CHECK(id("/", "") == "");
}

TEST_CASE("rows are listed newest first, own before shipped") {
  const PriceBook book({row("b", "b-shipped", 0), row("a", "a-shipped", 0)},
                       {row("b", "b-old", 0), row("b", "b-new", 7)});
  const auto ids = [&](std::string_view model) {
    std::vector<std::string> all;
    for (const PriceRow* one : book.rows(model)) all.push_back(one->price_id);
    return all;
  };
  CHECK(ids("b") == std::vector<std::string>{"b-new", "b-old", "b-shipped"});
  CHECK(ids("") == std::vector<std::string>{"b-new", "b-old", "a-shipped", "b-shipped"});
  CHECK(ids("c").empty());
}

TEST_CASE("rows outlive the book that a copy was made of") {
  auto book =
      std::make_unique<PriceBook>(std::vector{row("m", "kept", 0)}, std::vector<PriceRow>());
  const PriceBook copy = *book;
  const PriceRow* found = book->find("m", "", 0);
  book.reset();
  CHECK(found->price_id == "kept");
}

}  // namespace slipway::trace
