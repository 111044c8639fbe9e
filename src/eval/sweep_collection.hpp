// A sweep over copies of a collection, which are built in memory and go with the object.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "eval/sweep.hpp"
#include "models/catalog.hpp"
#include "rag/library.hpp"

namespace slipway::eval {

class CollectionSweep final : public SweepSubject {
 public:
  struct Options {
    rag::Library& library;  ///< Where the collection is. Both must outlive it.
    models::Catalog& catalog;
    std::string collection;
    rag::PromptChooser prompts = {};     ///< Where prompts of variants are; empty: there are none.
    std::size_t bytes_max = 512u << 20;  ///< Of all documents together.
  };
  /// Takes the documents as they were ingested: their bytes where those are known, else their
  /// texts. Fails: not_found, invalid_argument (it is empty, or too large to be held).
  static Result<std::unique_ptr<CollectionSweep>> open(const Context& context,
                                                       const Options& options);
  /// What the collection is.
  const SweepBase& base() const { return base_; }

  Result<void> prepare(const Context& context, const SweepVariant& variant) override;
  Result<Golden> answer(const Context& context, const SweepVariant& variant,
                        const Golden& golden) override;

  /// Nothing is open yet: use `open`.
  explicit CollectionSweep(const Options& options) : options_(options) {}

 private:
  Result<void> take_documents(const Context& context);
  Result<Golden> search(const Context& context, const SweepVariant& variant, const Golden& golden);
  Result<Golden> ask(const Context& context, const SweepVariant& variant, const Golden& golden);
  std::string copy_of(const SweepVariant& variant) const;

  const Options options_;
  SweepBase base_;
  std::string language_;
  std::vector<rag::GivenDocument> documents_;
  std::unique_ptr<store::Database> database_;
  std::unique_ptr<store::BlobStore> blobs_;
  std::unique_ptr<rag::Library> copies_;
  std::set<std::string> built_;  ///< Names of copies.
};

}  // namespace slipway::eval
