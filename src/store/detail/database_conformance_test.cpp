#include "store/detail/database_conformance.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "core/fault.hpp"
#include "store/columns.hpp"

namespace slipway::store {

namespace {

const std::vector<Migration> schema{
    {"conformance", 1,
     "CREATE TABLE parents(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
     "CREATE TABLE items(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents(id), "
     "text TEXT, number DOUBLE PRECISION, bytes BLOB)"}};

Result<std::int64_t> count(Database& database, std::string_view table) {
  std::int64_t rows = -1;
  TRY(database.read({}, [&](Connection& c) -> Result<void> {
    Statement s = TRY(c.prepare(fmt::format("SELECT count(*) FROM {}", table)));
    TRY(s.step());
    rows = s.integer(0);
    return {};
  }));
  return rows;
}

Result<void> add_parent(Connection& c, int id, std::string_view name) {
  Statement s = TRY(c.prepare("INSERT INTO parents(id,name) VALUES(?,?)"));
  return s.bind(0, id).bind(1, name).run();
}

void values_come_back(Database& database) {
  const std::string text("\xC3\xA9\0x", 4);
  const std::string bytes("\0\xff\x01", 3);
  REQUIRE(database.write({}, [&](Connection& c) -> Result<void> {
    Statement s = TRY(c.prepare("INSERT INTO items(id,text,number,bytes) VALUES(?,?,?,?)"));
    s.bind(0, 1).bind(1, text).bind_blob(3, bytes);
    TRY(bind_optional(s, 2, std::optional(0.1)).run());
    s.reset();
    TRY(s.bind(0, std::int64_t{1} << 60).bind(1, "").bind(2, -1e300).bind_blob(3, {}).run());
    s.reset();
    s.bind(0, 3).bind(1, std::optional<std::string>()).bind_null(3);
    TRY(bind_optional(s, 2, std::optional<double>()).run());
    CHECK(c.changes() == 1);
    return {};
  }));
  REQUIRE(database.read({}, [&](Connection& c) -> Result<void> {
    Statement s = TRY(c.prepare("SELECT id,text,number,bytes FROM items ORDER BY id"));
    CHECK(TRY(s.step()));
    CHECK(s.text(1) == text);
    CHECK(s.real(2) == 0.1);
    CHECK(s.blob(3) == bytes);
    CHECK(TRY(s.step()));
    CHECK(s.is_null(1));
    CHECK(s.is_null(2));
    CHECK(s.is_null(3));
    CHECK_FALSE(optional_text(s, 1));
    CHECK_FALSE(optional_real(s, 2));
    CHECK_FALSE(optional_integer(s, 2));
    CHECK_FALSE(optional_flag(s, 2));
    CHECK(TRY(s.step()));
    CHECK(s.integer(0) == std::int64_t{1} << 60);
    CHECK_FALSE(s.is_null(1));
    CHECK_FALSE(s.is_null(3));
    CHECK(optional_text(s, 1) == "");  // Empty is not absent.
    CHECK(optional_real(s, 2) == -1e300);
    CHECK(optional_integer(s, 0) == std::int64_t{1} << 60);
    CHECK(optional_flag(s, 0) == true);
    CHECK(s.blob(3).empty());
    CHECK_FALSE(TRY(s.step()));
    return {};
  }));
}

void an_error_rolls_back(Database& database) {
  const auto refused = database.write({}, [&](Connection& c) -> Result<void> {
    TRY(add_parent(c, 10, "ten"));
    return fail(Code::forbidden, "no");
  });
  CHECK(refused.error().code() == Code::forbidden);
  CHECK(*count(database, "parents") == 0);
  const auto twice = database.write({}, [&](Connection& c) -> Result<void> {
    TRY(add_parent(c, 10, "ten"));
    return add_parent(c, 11, "ten");
  });
  CHECK(twice.error().code() == Code::conflict);
  const auto orphan = database.write({}, [&](Connection& c) -> Result<void> {
    Statement s = TRY(c.prepare("INSERT INTO items(id,parent) VALUES(?,?)"));
    return s.bind(0, 77).bind(1, 78).run();
  });
  CHECK(orphan.error().code() == Code::conflict);
  CHECK(*count(database, "parents") == 0);
  CHECK_THROWS(static_cast<void>(database.write({}, [&](Connection& c) -> Result<void> {
    TRY(add_parent(c, 10, "ten"));
    throw std::runtime_error("a bug");
  })));
  CHECK(*count(database, "parents") == 0);
  CHECK(database.write({}, [](Connection& c) { return c.execute("SELEKT 1"); }).error().code() ==
        Code::internal);
}

void a_handled_conflict_keeps_the_rest(Database& database) {
  REQUIRE(database.write({}, [&](Connection& c) -> Result<void> {
    CHECK(c.transaction_id() != 0);
    TRY(add_parent(c, 1, "one"));
    CHECK_FALSE(add_parent(c, 1, "again").ok());
    return add_parent(c, 2, "two");
  }));
  CHECK(*count(database, "parents") == 2);
}

void a_reader_keeps_its_snapshot(Database& database) {
  REQUIRE(database.read({}, [&](Connection& c) -> Result<void> {
    CHECK(c.transaction_id() == 0);
    TRY(database.write({}, [](Connection& w) { return add_parent(w, 3, "three"); }));
    Statement s = TRY(c.prepare("SELECT count(*) FROM parents"));
    TRY(s.step());
    CHECK(s.integer(0) == 2);
    return {};
  }));
  CHECK(*count(database, "parents") == 3);
}

void contexts_end_waiting(Database& database) {
  using namespace std::chrono_literals;
  REQUIRE(database.write({}, [&](Connection&) -> Result<void> {
    std::jthread([&] {
      const auto late = database.write(Context().with_timeout(30ms),
                                       [](Connection& c) { return add_parent(c, 4, "four"); });
      CHECK(late.error().code() == Code::deadline_exceeded);
      std::stop_source stop;
      std::jthread stopper([&] {
        std::this_thread::sleep_for(20ms);
        stop.request_stop();
      });
      const auto stopped = database.write(Context(stop.get_token()),
                                          [](Connection& c) { return add_parent(c, 4, "four"); });
      CHECK(stopped.error().code() == Code::cancelled);
    }).join();
    CHECK(database.write({}, [](Connection&) { return Result<void>(); }).error().code() ==
          Code::internal);
    return {};
  }));
  CHECK(*count(database, "parents") == 3);
}

void writers_take_turns(Database& database) {
  std::atomic<int> failed = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&database, &failed, t] {
        for (int i = 0; i < 25; ++i) {
          const int id = 1000 + t * 100 + i;
          if (!database.write({}, [&](Connection& c) {
                return add_parent(c, id, fmt::format("parent {}", id));
              }))
            ++failed;
          if (!count(database, "parents")) ++failed;
        }
      });
  }
  CHECK(failed == 0);
  CHECK(*count(database, "parents") == 103);
}

void every_failure_leaves_both_or_none(Database& database) {
  for (int nth = 1;; ++nth) {
    const std::int64_t before = *count(database, "items");
    bool fired = false;
    Result<void> written;
    {
      const FaultPlan plan(FaultKind::database, nth);
      written = database.write({}, [&](Connection& c) -> Result<void> {
        Statement s = TRY(c.prepare("INSERT INTO items(text) VALUES(?)"));
        TRY(s.bind(0, "a").run());
        s.reset();
        return s.bind(0, "b").run();
      });
      fired = plan.fired();
    }
    CHECK(written.ok() == !fired);
    if (!written) CHECK(written.error().code() == Code::unavailable);
    CHECK(*count(database, "items") == before + (written ? 2 : 0));
    if (!fired) {
      CHECK(nth >= 4);  // Begin, two rows, commit.
      break;
    }
    REQUIRE(nth < 50);
  }
}

}  // namespace

void check_database_conformance(const MakeDatabase& make) {
  auto made = make(schema);
  REQUIRE(made);
  Database& database = **made;
  values_come_back(database);
  an_error_rolls_back(database);
  a_handled_conflict_keeps_the_rest(database);
  a_reader_keeps_its_snapshot(database);
  contexts_end_waiting(database);
  writers_take_turns(database);
  every_failure_leaves_both_or_none(database);
  CHECK(database.check({})->empty());
}

}  // namespace slipway::store
