#include "store/database.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <thread>

#include "core/fault.hpp"
#include "core/files.hpp"
#include "store/detail/database_conformance.hpp"
#include "store/detail/scratch.hpp"

using namespace slipway;
using namespace slipway::store;
using namespace std::chrono_literals;

namespace {

const std::vector<Migration> rows_schema{
    {"test", 1, "CREATE TABLE rows(id INTEGER PRIMARY KEY, text TEXT NOT NULL)"}};

std::unique_ptr<Database> open_rows(const std::filesystem::path& path, bool durable = true) {
  auto database = Database::open({.path = path, .durable = durable}, rows_schema);
  if (!database) FAIL(database.error().message());
  return std::move(*database);
}

Result<void> add_row(Database& database, std::int64_t id, std::string_view text = "text") {
  return database.write({}, [&](Connection& c) -> Result<void> {
    Statement s = TRY(c.prepare("INSERT INTO rows(id,text) VALUES(?,?)"));
    return s.bind(0, id).bind(1, text).run();
  });
}

std::int64_t number(Database& database, std::string_view sql) {
  std::int64_t value = -1;
  const auto read = database.read({}, [&](Connection& c) -> Result<void> {
    Statement s = TRY(c.prepare(sql));
    if (TRY(s.step())) value = s.integer(0);
    return {};
  });
  if (!read) FAIL(read.error().message());
  return value;
}

Error open_error(const std::filesystem::path& path, const std::vector<Migration>& migrations) {
  auto opened = Database::open({.path = path, .busy_timeout = 200ms}, migrations);
  REQUIRE_FALSE(opened);
  return opened.error();
}

/// Writes rows 1, 2, 3 ... and tells each over the pipe once it is on disk; never returns.
[[noreturn]] void write_until_killed(const std::filesystem::path& path, int pipe,
                                     std::int64_t first) {
  auto database = Database::open({.path = path}, rows_schema);
  if (!database) _exit(3);
  for (std::int64_t id = first;; ++id) {
    // Two rows in one transaction, so that half of one would show.
    const auto written = (*database)->write({}, [&](Connection& c) -> Result<void> {
      Statement s = TRY(c.prepare("INSERT INTO rows(id,text) VALUES(?,?)"));
      TRY(s.bind(0, id * 2).bind(1, std::string(500, 'x')).run());
      s.reset();
      return s.bind(0, id * 2 + 1).bind(1, std::string(500, 'y')).run();
    });
    if (!written) _exit(4);
    if (::write(pipe, &id, sizeof id) != sizeof id) _exit(5);
  }
}

}  // namespace

TEST_CASE("a database in a file keeps the contract") {
  const Scratch scratch;
  check_database_conformance([&](const std::vector<Migration>& migrations) {
    return Database::open({.path = scratch.path() / "new" / "folder" / "test.db"}, migrations);
  });
}

TEST_CASE("a database in memory keeps the contract") {
  check_database_conformance([](const std::vector<Migration>& migrations) {
    return Database::open({.path = ":memory:"}, migrations);
  });
}

TEST_CASE("two databases in memory share nothing") {
  auto one = open_rows(":memory:");
  auto two = open_rows(":memory:");
  REQUIRE(add_row(*one, 1));
  CHECK(number(*one, "SELECT count(*) FROM rows") == 1);
  CHECK(number(*two, "SELECT count(*) FROM rows") == 0);
}

TEST_CASE("a killed writer loses nothing that it acknowledged, and no half transaction") {
  const Scratch scratch;
  const auto path = scratch.path() / "kill.db";
  std::mt19937 random(7);
  std::int64_t first = 1;
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      write_until_killed(path, ends[1], first);
    }
    ::close(ends[1]);
    std::int64_t acknowledged = first - 1, id = 0;
    // Some transactions first, however slow the machine is, then any moment of the next ones.
    for (unsigned left = random() % 20; left > 0 && ::read(ends[0], &id, sizeof id) > 0; --left)
      acknowledged = id;
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    while (::read(ends[0], &id, sizeof id) == sizeof id) acknowledged = id;
    ::close(ends[0]);

    auto database = open_rows(path);
    CHECK(database->check({})->empty());
    const std::int64_t rows = number(*database, "SELECT count(*) FROM rows");
    CHECK(rows >= acknowledged * 2);
    CHECK(rows <= acknowledged * 2 + 2);  // The last one may be committed but not yet told.
    CHECK(rows == number(*database, "SELECT coalesce(max(id) - 1, 0) FROM rows"));
    first = rows / 2 + 1;
  }
  CHECK(first > 100);  // 20 lives of about ten pairs each.
}

TEST_CASE("two processes write at once and every row arrives") {
  const Scratch scratch;
  const auto path = scratch.path() / "two.db";
  constexpr int rows_each = 60;
  std::vector<pid_t> children;
  for (int p = 0; p < 2; ++p) {  // Both also race to create the file and its schema.
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto database = Database::open({.path = path}, rows_schema);
      if (!database) _exit(3);
      for (int i = 0; i < rows_each; ++i)
        if (!add_row(**database, p * 1000 + i)) _exit(4);
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  auto database = open_rows(path);
  CHECK(number(*database, "SELECT count(*) FROM rows") == 2 * rows_each);
  CHECK(database->check({})->empty());
}

TEST_CASE("a writer gives up on another process after the busy timeout, or when its time is over") {
  const Scratch scratch;
  const auto path = scratch.path() / "busy.db";
  auto holder = open_rows(path);
  auto waiter = Database::open({.path = path, .busy_timeout = 60ms}, rows_schema);
  REQUIRE(waiter);
  REQUIRE(holder->write({}, [&](Connection&) -> Result<void> {
    const auto busy = add_row(**waiter, 1);
    CHECK(busy.error().code() == Code::unavailable);
    CHECK(busy.error().message().find("in use by another process") != std::string::npos);
    const auto late =
        (*waiter)->write(Context().with_timeout(10ms), [](Connection&) { return Result<void>(); });
    CHECK(late.error().code() == Code::deadline_exceeded);
    CHECK(number(**waiter, "SELECT count(*) FROM rows") == 0);  // Readers never wait.
    return {};
  }));
  CHECK(add_row(**waiter, 1));
}

TEST_CASE("a long statement ends with its context and the database stays usable") {
  auto database = open_rows(":memory:");
  constexpr std::string_view endless =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n";
  const auto run = [&](Connection& c) -> Result<void> {
    Statement s = TRY(c.prepare(endless));
    return s.run();
  };
  CHECK(database->read(Context().with_timeout(30ms), run).error().code() ==
        Code::deadline_exceeded);
  CHECK(database->write(Context().with_timeout(30ms), run).error().code() ==
        Code::deadline_exceeded);
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(20ms);
    stop.request_stop();
  });
  CHECK(database->read(Context(stop.get_token()), run).error().code() == Code::cancelled);
  CHECK(add_row(*database, 1));
}

TEST_CASE("readers are bounded and a waiting one obeys its deadline") {
  auto opened = Database::open({.path = ":memory:", .readers_max = 1}, rows_schema);
  REQUIRE(opened);
  Database& database = **opened;
  REQUIRE(database.read({}, [&](Connection&) -> Result<void> {
    const auto second =
        database.read(Context().with_timeout(20ms), [](Connection&) { return Result<void>(); });
    CHECK(second.error().code() == Code::deadline_exceeded);
    return {};
  }));
  CHECK(number(database, "SELECT count(*) FROM rows") == 0);
}

TEST_CASE("a read cannot write") {
  auto database = open_rows(":memory:");
  const auto written =
      database->read({}, [](Connection& c) { return c.execute("DELETE FROM rows"); });
  CHECK(written.error().code() == Code::forbidden);
}

TEST_CASE("a full disk is said in words, rolls back, and the database works again afterwards") {
  const Scratch scratch;
  auto database = open_rows(scratch.path() / "full.db", false);
  REQUIRE(add_row(*database, 1));
  REQUIRE(database->write({}, [](Connection& c) { return c.execute("PRAGMA max_page_count=20"); }));
  const auto full = database->write({}, [](Connection& c) -> Result<void> {
    Statement s = TRY(c.prepare("INSERT INTO rows(text) VALUES(?)"));
    for (int i = 0; i < 100; ++i) {
      // A caller that goes on after a failure must not get half of its rows committed.
      static_cast<void>(s.bind(0, std::string(8000, 'x')).run());
      s.reset();
    }
    return {};
  });
  CHECK(full.error().code() == Code::unavailable);
  const auto plainly = add_row(*database, 5, std::string(400'000, 'x'));
  CHECK(plainly.error().message().find("disk is full") != std::string::npos);
  CHECK(number(*database, "SELECT count(*) FROM rows") == 1);
  CHECK(add_row(*database, 2));
}

TEST_CASE("migrations run once, in order, all or none") {
  const Scratch scratch;
  const auto path = scratch.path() / "m.db";
  std::vector<Migration> steps{{"a", 1, "CREATE TABLE a(x)"},
                               {"b", 1, "CREATE TABLE b(x); INSERT INTO b VALUES(1)"}};
  REQUIRE(Database::open({.path = path}, steps));
  steps.push_back({"b", 2, "UPDATE b SET x=x+1"});
  steps.push_back({"b", 3, "UPDATE nowhere SET x=1"});
  const Error broken = open_error(path, steps);
  CHECK(broken.message().find("migration 3 of b") != std::string::npos);
  steps.pop_back();
  for (int i = 0; i < 2; ++i) {
    auto database = Database::open({.path = path}, steps);
    REQUIRE(database);
    CHECK(number(**database, "SELECT x FROM b") == 2);
  }
  steps.pop_back();
  const Error newer = open_error(path, steps);
  CHECK(newer.code() == Code::conflict);
  CHECK(newer.message().find("newer version of Slipway") != std::string::npos);
}

TEST_CASE("whichever database call fails while opening, the next opening succeeds") {
  for (int nth = 1;; ++nth) {
    const Scratch scratch;
    bool fired = false;
    {
      const FaultPlan plan(FaultKind::database, nth);
      const auto opened = Database::open({.path = scratch.path() / "f.db"}, rows_schema);
      fired = plan.fired();
      CHECK(opened.ok() == !fired);
    }
    auto database = open_rows(scratch.path() / "f.db");
    CHECK(add_row(*database, 1));
    if (!fired) break;
    REQUIRE(nth < 100);
  }
}

TEST_CASE("files that are not ours are refused with what to do") {
  const Scratch scratch;
  const auto path = scratch.path() / "x.db";
  write_file_atomically(path, std::string(20'000, 'z')).ok();
  const Error noise = open_error(path, rows_schema);
  CHECK(noise.code() == Code::invalid_argument);
  CHECK(noise.message().find("not a Slipway database") != std::string::npos);

  const auto other = scratch.path() / "other.db";
  {
    auto database = open_rows(other);
    REQUIRE(database->write(
        {}, [](Connection& c) { return c.execute("PRAGMA application_id=12345"); }));
  }
  const Error foreign = open_error(other, rows_schema);
  CHECK(foreign.code() == Code::invalid_argument);
  CHECK(foreign.message().find("another program") != std::string::npos);

  CHECK(open_error(scratch.path(), rows_schema).code() == Code::invalid_argument);
  CHECK(open_error("/proc/nowhere/x.db", rows_schema).message().find("/proc") != std::string::npos);
}

TEST_CASE("a damaged or cut file gives an error or an answer, never a crash") {
  const Scratch scratch;
  const auto path = scratch.path() / "d.db";
  {
    auto database = open_rows(path, false);
    for (int i = 0; i < 200; ++i) REQUIRE(add_row(*database, i, std::string(300, 'a')));
  }
  const std::string sound = *read_file(path);
  std::mt19937 random(3);
  int refused = 0, found = 0;
  for (int round = 0; round < 60; ++round) {
    std::string damaged = sound;
    if (round % 3 == 0) {
      damaged.resize(random() % damaged.size());
    } else {
      const std::size_t at = round % 3 == 1 ? random() % 8192 : random() % damaged.size();
      for (std::size_t i = at; i < std::min(at + 64, damaged.size()); ++i)
        damaged[i] = static_cast<char>(random());
    }
    const auto copy = scratch.path() / fmt::format("d{}.db", round);
    REQUIRE(write_file_atomically(copy, damaged));
    auto database = Database::open({.path = copy, .busy_timeout = 100ms}, rows_schema);
    if (!database) {
      ++refused;
      continue;
    }
    const auto faults = (*database)->check({});
    found += !faults || !faults->empty();
    static_cast<void>(add_row(**database, 1000));
  }
  CHECK(refused > 5);
  CHECK(found > 0);  // Rows that still parse are not known to be damaged: SQLite has no checksums.
}

TEST_CASE("a backup is consistent while others write, and replaces an older one whole") {
  const Scratch scratch;
  const auto target = scratch.path() / "backups" / "b.db";
  auto database = open_rows(scratch.path() / "s.db", false);
  for (int i = 0; i < 50; ++i) REQUIRE(add_row(*database, i, std::string(5000, 'a')));
  {
    std::jthread writer([&](std::stop_token stop) {
      for (int i = 1000; !stop.stop_requested(); ++i)
        static_cast<void>(add_row(*database, i, std::string(5000, 'b')));
    });
    for (int i = 0; i < 3; ++i) CHECK(database->backup({}, target));
  }
  auto copy = open_rows(target);
  CHECK(copy->check({})->empty());
  CHECK(number(*copy, "SELECT count(*) FROM rows") >= 50);
  CHECK(database->backup({}, scratch.path() / "s.db").error().code() == Code::invalid_argument);
  const FaultPlan plan(FaultKind::database, 3);  // Begin, first read, then the copy itself.
  CHECK_FALSE(database->backup({}, scratch.path() / "never.db"));
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "never.db"));
}
