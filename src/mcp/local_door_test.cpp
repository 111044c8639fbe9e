#include "mcp/local_door.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "mcp/conformance.hpp"

namespace slipway::mcp {

namespace {

struct House {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      fmt::format("slipway-door-{}-{}", ::getpid(), std::string(90, 'x'));
  std::unique_ptr<ConformanceOffer> offer = ConformanceOffer::make();
  std::unique_ptr<Server> server = Server::make({.offer = *offer});
  std::unique_ptr<LocalDoor> door;

  House() {
    std::filesystem::create_directories(folder);
    offer->set_server(*server);
  }
  ~House() { std::filesystem::remove_all(folder); }
  void open(std::size_t clients_max = 16) {
    auto opened = LocalDoor::open(*server, {.folder = folder, .clients_max = clients_max});
    REQUIRE(opened.ok());
    door = *std::move(opened);
  }
};

/// A client that is started: what it writes, and what it is told.
struct Client {
  int in[2] = {-1, -1}, out[2] = {-1, -1};
  Result<void> end;
  std::jthread thread;

  explicit Client(const std::filesystem::path& folder) {
    REQUIRE((::pipe(in) == 0 && ::pipe(out) == 0));
    thread = std::jthread([this, folder](const std::stop_token& stop) {
      end = speak_through_door(Context(stop), folder, in[0], out[1]);
      ::close(out[1]);
    });
  }
  ~Client() {
    close();
    ::close(in[0]);
    ::close(out[0]);
  }
  void close() {
    if (in[1] >= 0) ::close(std::exchange(in[1], -1));
    if (thread.joinable()) thread.join();
  }
  void say(const std::string& line) {
    REQUIRE(::write(in[1], (line + "\n").data(), line.size() + 1) > 0);
  }
  /// One line; empty: there will be none.
  std::string hear() {
    std::string line;
    for (char c = 0; ::read(out[0], &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }
};

constexpr const char* ping = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";

}  // namespace

TEST_CASE("a program speaks with a server through its door as over standard input") {
  House house;
  house.open();
  Client first(house.folder), second(house.folder);
  for (Client* client : {&first, &second}) {
    client->say(ping);
    CHECK(client->hear().find(R"("id":1)") != std::string::npos);
  }
  first.close();
  CHECK(first.end.ok());
  second.say(ping);
  CHECK(second.hear().find("result") != std::string::npos);
}

TEST_CASE("the door is its owner's, and gone when the server is gone") {
  House house;
  std::ofstream(house.folder / "mcp.sock") << "left by one that was killed";
  house.open();
  struct stat found {};
  REQUIRE(::stat((house.folder / "mcp.sock").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  Client client(house.folder);
  client.say(ping);
  CHECK(!client.hear().empty());
  house.door.reset();
  CHECK(client.hear().empty());
  client.thread.join();
  CHECK(client.end.error().message().find("has ended") != std::string::npos);
  CHECK(!std::filesystem::exists(house.folder / "mcp.sock"));
  Client late(house.folder);
  CHECK(late.hear().empty());
  late.close();
  CHECK(late.end.error().code() == Code::not_found);
}

TEST_CASE("who comes when there are enough is sent away, and may come later") {
  House house;
  house.open(1);
  auto first = std::make_unique<Client>(house.folder);
  first->say(ping);
  CHECK(!first->hear().empty());
  Client second(house.folder);
  CHECK(second.hear().empty());
  second.thread.join();
  CHECK(!second.end.ok());
  first.reset();
  for (bool is_in = false; !is_in;) {
    Client next(house.folder);
    next.say(ping);
    is_in = !next.hear().empty();
  }
}

TEST_CASE("a door needs a folder") {
  House house;
  CHECK(LocalDoor::open(*house.server, {.folder = house.folder / "none"}).error().code() ==
        Code::unavailable);
}

}  // namespace slipway::mcp
