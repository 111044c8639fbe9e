#include "store/read_only_sql.hpp"

#include <doctest/doctest.h>

#include "store/database.hpp"
#include "store/detail/scratch.hpp"
#include "store/detail/sql_words.hpp"

using namespace slipway;
using namespace slipway::store;

namespace {

/// A database with a table of 1000 rows.
class Library {
 public:
  Library() {
    constexpr const char* schema =
        "CREATE TABLE book(id INTEGER PRIMARY KEY, title TEXT, price REAL, cover BLOB);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
        "INSERT INTO book SELECT i, 'Title ' || i, i / 2.0, x'00ff' FROM n;";
    auto database = Database::open({.path = file()}, {{"library", 1, schema}});
    REQUIRE_MESSAGE(database, database.error().message());
  }
  std::filesystem::path file() const { return folder_.path() / "library.db"; }
  Result<SqlRows> ask(std::string_view sql, const json::Value& params = nullptr,
                      SqlLimits limits = {}) const {
    return read_only_sqlite(file(), limits)->query({}, sql, params);
  }
  Code refusal(std::string_view sql) const {
    const auto answer = ask(sql);
    CHECK_MESSAGE(!answer, std::string(sql));
    return answer ? Code::internal : answer.error().code();
  }

 private:
  Scratch folder_;
};

}  // namespace

TEST_CASE("a question to SQLite gives columns and rows, with params by place and by name") {
  const Library library;
  auto found = library.ask("SELECT id, title, price, cover, NULL AS n FROM book WHERE id = ?",
                           json::Array{3});
  REQUIRE_MESSAGE(found, found.error().message());
  CHECK(found->columns == std::vector<std::string>{"id", "title", "price", "cover", "n"});
  CHECK(json::dump(json::Value(found->rows[0])) == R"([3,"Title 3",1.5E0,"00ff",null])");
  found =
      library.ask("SELECT title FROM book WHERE id = :id;  -- the end", json::Object{{"id", 4}});
  REQUIRE_MESSAGE(found, found.error().message());
  CHECK(found->rows[0][0] == "Title 4");
  CHECK(!library.ask("SELECT ?", json::Array{}));
  CHECK(!library.ask("SELECT :x", json::Object{{"y", 1}}));
  CHECK(library.ask("PRAGMA table_info(book)")->rows.size() == 4);
}

TEST_CASE("rows, bytes and time of a question have limits") {
  const Library library;
  const auto cut = library.ask("SELECT * FROM book", nullptr, {.rows_max = 5});
  REQUIRE(cut);
  CHECK(cut->rows.size() == 5);
  CHECK(cut->is_cut);
  const auto exact = library.ask("SELECT * FROM book LIMIT 5", nullptr, {.rows_max = 5});
  REQUIRE(exact);
  CHECK(!exact->is_cut);
  const auto fat = library.ask("SELECT zeroblob(1000) FROM book", nullptr, {.bytes_max = 10'000});
  REQUIRE(fat);
  CHECK(fat->is_cut);
  const auto endless = library.ask(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
      nullptr, {.timeout = std::chrono::milliseconds(200)});
  REQUIRE(!endless);
  CHECK(endless.error().code() == Code::deadline_exceeded);
  CHECK(!library.ask("SELECT randomblob(1000000000)"));
}

TEST_CASE("what does more than read SQLite is refused") {
  const Library library;
  for (const char* sql : {"DELETE FROM book",
                          "INSERT INTO book(title) VALUES('x')",
                          "UPDATE book SET title = 'x'",
                          "DROP TABLE book",
                          "CREATE TABLE x(a)",
                          "CREATE TEMP TABLE x(a)",
                          "VACUUM",
                          "VACUUM INTO '/tmp/slipway-copy.db'",
                          "ATTACH 'other.db' AS other",
                          "DETACH main",
                          "PRAGMA journal_mode = DELETE",
                          "PRAGMA writable_schema = ON",
                          "PRAGMA query_only = OFF",
                          "PRAGMA database_list",
                          "BEGIN",
                          "COMMIT",
                          "SAVEPOINT x",
                          "REINDEX",
                          "ANALYZE",
                          "SELECT load_extension('x.so')",
                          "SELECT 1; SELECT 2",
                          "SELECT 1; DELETE FROM book",
                          "WITH gone AS (SELECT 1) DELETE FROM book",
                          "SELECT 1; garbage"})
    CHECK_MESSAGE(library.refusal(sql) == Code::forbidden, std::string(sql));
  CHECK(library.refusal("SELECT readfile('/etc/hostname')") != Code::internal);
  CHECK(library.refusal("SELECT writefile('/tmp/x', 'y')") != Code::internal);
  CHECK(library.refusal("") == Code::invalid_argument);
  CHECK(library.refusal("-- nothing") == Code::invalid_argument);
  CHECK(library.refusal("SELECT nothing FROM nowhere") == Code::invalid_argument);
  CHECK(library.ask("SELECT count(*) FROM book")->rows[0][0] == 1000);
}

TEST_CASE("a file that is not there or no database is told by its name") {
  const Scratch folder;
  const auto gone = read_only_sqlite(folder.path() / "no.db", {})->query({}, "SELECT 1", nullptr);
  REQUIRE(!gone);
  CHECK(gone.error().code() == Code::not_found);
  CHECK(gone.error().message() == "there is no database 'no.db'");
}

TEST_CASE("statements for PostgreSQL that only read pass") {
  for (const char* sql :
       {"SELECT 1", "  select * from t where a = $1", "/* a /* b */ c */ SELECT 'pg_read_file'",
        "WITH a AS (SELECT 1) SELECT * FROM a", "VALUES (1)", "TABLE t", "SHOW server_version",
        "EXPLAIN SELECT 1", "SELECT $$ lo_import $$", "SELECT E'it\\'s', 'it''s'",
        "-- COPY\nSELECT count(*) FROM logs"})
    CHECK_MESSAGE(detail::check_postgres_statement(sql), std::string(sql));
}

TEST_CASE("statements for PostgreSQL that do more are refused before they are sent") {
  for (const char* sql : {"COPY t TO PROGRAM 'id'",
                          "COMMIT",
                          "SET x = 1",
                          "DO $$ BEGIN END $$",
                          "INSERT INTO t "
                          "VALUES (1)",
                          "SELECT pg_read_file('/etc/passwd')",
                          "SELECT PG_READ_FILE('x')",
                          "SELECT \"pg_read_file\"('x')",
                          "SELECT pg_catalog.pg_read_binary_file('x')",
                          "SELECT pg_catalog . pg_ls_dir('.')",
                          "SELECT lo_import('/etc/passwd')",
                          "SELECT lo_export(1, '/tmp/x')",
                          "SELECT dblink('a', 'b')",
                          "SELECT dblink_exec('a')",
                          "SELECT set_config('a', 'b', false)",
                          "SELECT pg_terminate_backend(1)",
                          "SELECT query_to_xml('select 1', true, true, '')",
                          "SELECT U&\"\\0070g_read_file\"('x')",
                          "select u&\"x\"",
                          "SELECT/**/pg_read_file/**/('x')",
                          "SELECT '' || pg_stat_file('x')",
                          "LOAD 'x'",
                          "CALL x()",
                          "LISTEN x",
                          "VACUUM",
                          "EXECUTE x",
                          "PREPARE x AS SELECT 1"}) {
    const auto checked = detail::check_postgres_statement(sql);
    CHECK_MESSAGE(!checked, std::string(sql));
    if (!checked) CHECK_MESSAGE(checked.error().code() == Code::forbidden, std::string(sql));
  }
  for (const char* sql : {"", "  ", "SELECT 'x", "SELECT \"x", "/* x", "SELECT $a$ x"})
    CHECK_MESSAGE(!detail::check_postgres_statement(sql), std::string(sql));
}
