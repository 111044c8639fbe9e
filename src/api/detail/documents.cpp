#include "api/detail/routes.hpp"

namespace slipway::api::detail {

namespace {

/// The last part of a document's path, for a browser that saves it.
std::string file_name(const rag::DocumentInfo& info) {
  return info.path.substr(info.path.rfind('/') + 1);
}

void mount_content(http::Api& api, const ServicesPtr& services) {
  api.get<DocumentPath, http::Text>(
      "/api/collections/{collection}/documents/{id}/text",
      {.summary = "The text that citations point into",
       .description = "`text_start` and `text_end` of citations and passages count its bytes.",
       .tag = "documents",
       .role = "read",
       .name = "get_document_text"},
      [services](const http::Call& call, const DocumentPath& path) -> Result<http::Text> {
        TRY(services->library->document(call.context(), path.collection, path.id));
        return http::Text{TRY(services->library->document_text(call.context(), path.id))};
      });
  api.get<DocumentPath, http::Bytes>(
      "/api/collections/{collection}/documents/{id}/original",
      {.summary = "The bytes that the document was made from",
       .description = "What was uploaded is kept; a file is read again, as long as it is what was "
                      "ingested. Of what came from the network there is only the text.",
       .tag = "documents",
       .role = "read",
       .name = "get_document_original"},
      [services](const http::Call& call, const DocumentPath& path) -> Result<http::Bytes> {
        const auto info =
            TRY(services->library->document(call.context(), path.collection, path.id));
        http::Bytes reply;
        reply.bytes = TRY(services->library->document_original(call.context(), path.id));
        reply.media_type = info.media_type;
        reply.file_name = file_name(info);
        return reply;
      });
  api.get<PagePath, rag::PageLayout>(
      "/api/collections/{collection}/documents/{id}/pages/{page}",
      {.summary = "The lines of a page and where they stand",
       .description =
           "Of paged formats (PDF). Enough to draw the page and to mark the `boxes` of a "
           "citation on it.",
       .tag = "documents",
       .role = "read",
       .name = "get_document_page"},
      [services](const http::Call& call, const PagePath& path) -> Result<rag::PageLayout> {
        TRY(services->library->document(call.context(), path.collection, path.id));
        return services->library->document_page(call.context(), path.id, path.page);
      });
}

}  // namespace

void mount_documents(http::Api& api, const ServicesPtr& services) {
  api.get<CollectionPaging, rag::DocumentPage>(
      "/api/collections/{collection}/documents",
      {.summary = "List the documents of a collection",
       .tag = "documents",
       .role = "read",
       .name = "list_documents"},
      [services](const http::Call& call, const CollectionPaging& path) {
        return services->library->documents(call.context(), path.collection, path.limit,
                                            path.cursor);
      });
  api.get<DocumentPath, rag::DocumentInfo>(
      "/api/collections/{collection}/documents/{id}",
      {.summary = "One document", .tag = "documents", .role = "read", .name = "get_document"},
      [services](const http::Call& call, const DocumentPath& path) {
        return services->library->document(call.context(), path.collection, path.id);
      });
  api.remove<DocumentPath, rag::DeletionReport>(
      "/api/collections/{collection}/documents/{id}",
      {.summary = "Erase a document from every version, cache and receipt",
       .tag = "documents",
       .role = "write",
       .name = "delete_document"},
      [services](const http::Call& call, const DocumentPath& path) -> Result<rag::DeletionReport> {
        TRY(services->library->document(call.context(), path.collection, path.id));
        return services->library->remove_document(call.context(), path.id);
      });
  mount_content(api, services);
}

}  // namespace slipway::api::detail
