#include "examples/crawler/store/item_store.hpp"

#include "examples/crawler/sqlite/sqlite.hpp"

namespace bourse::crawler {
namespace {

constexpr const char* kItemSchema =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "CREATE TABLE IF NOT EXISTS item(shop TEXT NOT NULL, sku TEXT NOT NULL, name TEXT NOT NULL,"
    "  price_cents INTEGER NOT NULL, currency TEXT NOT NULL, stock TEXT NOT NULL,"
    "  image TEXT NOT NULL, url TEXT NOT NULL, PRIMARY KEY(shop, sku)) WITHOUT ROWID;";

constexpr const char* kPut =
    "INSERT INTO item VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(shop, sku) DO UPDATE SET"
    "  name = excluded.name, price_cents = excluded.price_cents, currency = excluded.currency,"
    "  stock = excluded.stock, image = excluded.image, url = excluded.url";

}  // namespace

struct ItemStore::State {
  explicit State(Database opened) : database(std::move(opened)) {}

  Database database;
  Statement put;
  std::vector<std::pair<Item, OrderId>> pending;
};

ItemStore::ItemStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
ItemStore::~ItemStore() = default;

Result<std::unique_ptr<ItemStore>> ItemStore::open(const std::string& path) {
  Result<Database> database = Database::open(path, true);
  if (!database.ok()) return database.error();
  auto state = std::make_unique<State>(std::move(database).value());
  if (const Status status = state->database.run(kItemSchema); !status.ok()) return status.error();
  Result<Statement> put = state->database.prepare(kPut);
  if (!put.ok()) return put.error();
  state->put = std::move(put).value();
  return std::unique_ptr<ItemStore>(new ItemStore(std::move(state)));
}

void ItemStore::put(Item item, OrderId order) {
  state_->pending.emplace_back(std::move(item), order);
}

std::size_t ItemStore::pending() const {
  return state_->pending.size();
}

Result<std::vector<OrderId>> ItemStore::commit() {
  std::vector<OrderId> durable;
  State& state = *state_;
  if (state.pending.empty()) return durable;
  if (const Status status = state.database.run("BEGIN IMMEDIATE"); !status.ok()) {
    return status.error();
  }
  for (const auto& [item, order] : state.pending) {
    const int code = state.put.bind(1, item.shop)
                         .bind(2, item.sku)
                         .bind(3, item.name)
                         .bind(4, item.price_cents)
                         .bind(5, item.currency)
                         .bind(6, name_of(item.stock))
                         .bind(7, item.image)
                         .bind(8, item.url)
                         .step();
    if (code != SQLITE_DONE) {
      const Error error = state.database.error("writing items");
      (void)state.database.run("ROLLBACK");
      return error;
    }
    durable.push_back(order);
  }
  if (const Status status = state.database.run("COMMIT"); !status.ok()) {
    (void)state.database.run("ROLLBACK");
    return status.error();
  }
  state.pending.clear();
  return durable;
}

Result<std::vector<Item>> read_items(const std::string& path) {
  Result<Database> database = Database::open(path, false);
  if (!database.ok()) return database.error();
  Result<Statement> rows = database->prepare(
      "SELECT shop, sku, name, price_cents, currency, stock, image, url FROM item");
  if (!rows.ok()) return rows.error();
  std::vector<Item> items;
  int code = SQLITE_ROW;
  while ((code = rows->step()) == SQLITE_ROW) {
    items.push_back({rows->text(0), rows->text(1), rows->text(2), rows->number(3), rows->text(4),
                     stock_of(rows->text(5)), rows->text(6), rows->text(7)});
  }
  if (code != SQLITE_DONE) return database->error("reading items");
  return items;
}

}  // namespace bourse::crawler
