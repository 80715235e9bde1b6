"""Search by meaning: texts as vectors, the documents that are kept of a company's books, and finding them."""
