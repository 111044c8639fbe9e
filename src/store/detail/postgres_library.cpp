#include "store/detail/postgres_library.hpp"

#include <dlfcn.h>

#include <memory>
#include <mutex>

namespace slipway::store::detail {

namespace {

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

bool load(PostgresLibrary& pq, void* from) {
  return find(from, "PQconnectStartParams", pq.connect) &&
         find(from, "PQconnectPoll", pq.connect_poll) && find(from, "PQconninfoParse", pq.parse) &&
         find(from, "PQconninfoFree", pq.free_parsed) && find(from, "PQstatus", pq.status) &&
         find(from, "PQfinish", pq.finish) && find(from, "PQsocket", pq.socket) &&
         find(from, "PQerrorMessage", pq.error_message) &&
         find(from, "PQsendQueryParams", pq.send) &&
         find(from, "PQsetSingleRowMode", pq.single_rows) &&
         find(from, "PQconsumeInput", pq.consume) && find(from, "PQisBusy", pq.is_busy) &&
         find(from, "PQflush", pq.flush) && find(from, "PQsetnonblocking", pq.set_nonblocking) &&
         find(from, "PQgetResult", pq.result) && find(from, "PQresultStatus", pq.result_status) &&
         find(from, "PQresultErrorField", pq.error_field) && find(from, "PQclear", pq.clear) &&
         find(from, "PQntuples", pq.rows) && find(from, "PQnfields", pq.columns) &&
         find(from, "PQfname", pq.name) && find(from, "PQftype", pq.type) &&
         find(from, "PQgetvalue", pq.value) && find(from, "PQgetlength", pq.length) &&
         find(from, "PQgetisnull", pq.is_null) && find(from, "PQgetCancel", pq.get_cancel) &&
         find(from, "PQcancel", pq.cancel) && find(from, "PQfreeCancel", pq.free_cancel);
}

}  // namespace

Result<const PostgresLibrary*> postgres_library() {
  static std::mutex mutex;
  static std::unique_ptr<PostgresLibrary> loaded;  // Never closed: sessions may be anywhere.
  const std::lock_guard lock(mutex);
  if (loaded) return loaded.get();
  void* library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  auto made = std::make_unique<PostgresLibrary>();
  if (library == nullptr || !load(*made, library))
    return fail(Code::unsupported,
                "PostgreSQL needs its client library, which is not here: apt-get install libpq5");
  loaded = std::move(made);
  return loaded.get();
}

}  // namespace slipway::store::detail
