#include "store/sql.hpp"

#include <doctest/doctest.h>

#include "store/database.hpp"

namespace slipway::store {

TEST_CASE("rows are put, over those of the same key") {
  CHECK(sql::put("t", "a, b, c", "a") ==
        "INSERT INTO t(a, b, c) VALUES (?, ?, ?) ON CONFLICT(a) DO UPDATE SET b = excluded.b, c = "
        "excluded.c");
  CHECK(sql::put("t", "a,b", "a, b") ==
        "INSERT INTO t(a,b) VALUES (?, ?) ON CONFLICT(a, b) DO NOTHING");
  auto database = Database::open(
      {.path = ":memory:"},
      {{"t", 1, "CREATE TABLE t(a TEXT, b INTEGER, c TEXT, PRIMARY KEY(a, b)) WITHOUT ROWID;"}});
  REQUIRE(database);
  const auto done = (*database)->write({}, [&](Connection& connection) -> Result<void> {
    for (const char* c : {"first", "second"}) {
      auto put = TRY(connection.prepare(sql::put("t", "a, b, c", "a, b")));
      TRY(put.bind(0, "x").bind(1, 1).bind(2, c).run());
    }
    auto from = TRY(connection.prepare(
        sql::put_from("t", "a, b, c", "a, b", "SELECT ?, b + 1, c FROM t WHERE a = ?")));
    TRY(from.bind(0, "y").bind(1, "x").run());
    auto found = TRY(connection.prepare("SELECT a, b, c FROM t WHERE " + sql::one_of("a") +
                                        " AND " + sql::contains("c", "?") + " ORDER BY a"));
    found.bind(0, R"(["x","y","z"])").bind(1, "eco");
    CHECK(TRY(found.step()));
    CHECK(found.text(2) == "second");
    CHECK(TRY(found.step()));
    CHECK(found.text(0) == "y");
    CHECK(found.integer(1) == 2);
    CHECK_FALSE(TRY(found.step()));
    return {};
  });
  CHECK(done.ok());
}

}  // namespace slipway::store
