# Every library that Slipway links, found once. Why each is there: third_party/README.md.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED) # Headers only; core/json_library.cpp compiles Boost.JSON.
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(CURL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(doctest REQUIRED)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(gumbo REQUIRED IMPORTED_TARGET gumbo)
pkg_check_modules(md4c REQUIRED IMPORTED_TARGET md4c)
pkg_check_modules(pugixml REQUIRED IMPORTED_TARGET pugixml)
pkg_check_modules(png REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(jpeg REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(webp REQUIRED IMPORTED_TARGET libwebp libwebpdemux)
find_package(GIF REQUIRED)
pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc>=5.3)
pkg_check_modules(libpq REQUIRED libpq) # Its headers: the library is opened when a query needs it.
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)

find_library(SLIPWAY_STEMMER stemmer REQUIRED)
add_library(stemmer INTERFACE)
target_link_libraries(stemmer INTERFACE ${SLIPWAY_STEMMER})

# llama.cpp: static libraries built by tools/deps/deps.sh.
add_library(slipway_llama INTERFACE)
add_library(slipway::llama ALIAS slipway_llama)
target_include_directories(slipway_llama SYSTEM INTERFACE ${SLIPWAY_DEPS_PREFIX}/include)
target_link_libraries(slipway_llama INTERFACE
  ${SLIPWAY_DEPS_PREFIX}/lib/libllama.a ${SLIPWAY_DEPS_PREFIX}/lib/libggml.a ${SLIPWAY_DEPS_PREFIX}/lib/libggml-cpu.a
  ${SLIPWAY_DEPS_PREFIX}/lib/libggml-base.a Threads::Threads ${CMAKE_DL_LIBS} m)

# ONNX Runtime is opened with dlopen when the first embedder is needed: commands without a model stay quick.
add_library(slipway_onnxruntime INTERFACE)
add_library(slipway::onnxruntime ALIAS slipway_onnxruntime)
target_include_directories(slipway_onnxruntime SYSTEM INTERFACE ${SLIPWAY_DEPS_PREFIX}/include)
target_link_libraries(slipway_onnxruntime INTERFACE ${CMAKE_DL_LIBS})
