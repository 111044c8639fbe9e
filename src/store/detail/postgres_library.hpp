// The client library of PostgreSQL, opened when the first query needs it: nobody else pays for it,
// and a machine without it runs everything else.
#pragma once

#include <libpq-fe.h>

#include "core/result.hpp"

namespace slipway::store::detail {

struct PostgresLibrary {
  decltype(&::PQconnectStartParams) connect = nullptr;
  decltype(&::PQconnectPoll) connect_poll = nullptr;
  decltype(&::PQconninfoParse) parse = nullptr;
  decltype(&::PQconninfoFree) free_parsed = nullptr;
  decltype(&::PQstatus) status = nullptr;
  decltype(&::PQfinish) finish = nullptr;
  decltype(&::PQsocket) socket = nullptr;
  decltype(&::PQerrorMessage) error_message = nullptr;
  decltype(&::PQsendQueryParams) send = nullptr;
  decltype(&::PQsetSingleRowMode) single_rows = nullptr;
  decltype(&::PQconsumeInput) consume = nullptr;
  decltype(&::PQisBusy) is_busy = nullptr;
  decltype(&::PQflush) flush = nullptr;
  decltype(&::PQsetnonblocking) set_nonblocking = nullptr;
  decltype(&::PQgetResult) result = nullptr;
  decltype(&::PQresultStatus) result_status = nullptr;
  decltype(&::PQresultErrorField) error_field = nullptr;
  decltype(&::PQclear) clear = nullptr;
  decltype(&::PQntuples) rows = nullptr;
  decltype(&::PQnfields) columns = nullptr;
  decltype(&::PQfname) name = nullptr;
  decltype(&::PQftype) type = nullptr;
  decltype(&::PQgetvalue) value = nullptr;
  decltype(&::PQgetlength) length = nullptr;
  decltype(&::PQgetisnull) is_null = nullptr;
  decltype(&::PQgetCancel) get_cancel = nullptr;
  decltype(&::PQcancel) cancel = nullptr;
  decltype(&::PQfreeCancel) free_cancel = nullptr;
};

/// Fails: unsupported, with what to install.
Result<const PostgresLibrary*> postgres_library();

}  // namespace slipway::store::detail
