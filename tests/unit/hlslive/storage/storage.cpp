// SPDX-License-Identifier: LGPL-2.1-or-later
// What holds for every storage.
#include "storage/storage.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "storage/directory_storage.hpp"
#include "storage/memory_storage.hpp"
#include "support/temporary_directory.hpp"
#include "unit/hlslive/storage/bytes.hpp"

namespace onair::test {
namespace {

struct InMemory {
  MemoryStorage storage;
};

struct InDirectory {
  TemporaryDirectory directory;
  DirectoryStorage storage{directory.path(), DirectoryStorage::Sync::Never};
};

template <typename Place>
class EachStorage : public testing::Test {
 protected:
  Storage& storage() { return place_.storage; }

 private:
  Place place_;
};

class PlaceNames {
 public:
  template <typename Place>
  static std::string GetName(int /*index*/) {
    return std::is_same_v<Place, InMemory> ? "Memory" : "Directory";
  }
};

using Places = testing::Types<InMemory, InDirectory>;
TYPED_TEST_SUITE(EachStorage, Places, PlaceNames);

using Kind = Storage::Kind;

TYPED_TEST(EachStorage, ReplacesAWholeResource) {
  EXPECT_EQ(what_failed(this->storage().replace("0.m3u8", bytes_of("a long first text"))), "");
  EXPECT_EQ(what_failed(this->storage().replace("0.m3u8", bytes_of("second"))), "");
  EXPECT_EQ(text_in(this->storage(), "0.m3u8"), "second");
}

TYPED_TEST(EachStorage, NamesWhatIsCompleteAndAbandonsWhatGrows) {
  auto& storage = this->storage();
  EXPECT_EQ(what_failed(storage.replace("0.m3u8", bytes_of("text"))), "");
  EXPECT_EQ(what_failed(storage.begin("0-1.ts", Kind::Segment)), "");
  EXPECT_EQ(what_failed(storage.finish("0-1.ts")), "");
  EXPECT_EQ(what_failed(storage.begin("0-2.ts", Kind::Segment)), "");
  EXPECT_EQ(what_failed(storage.append("0-2.ts", bytes_of("abc"))), "");
  storage.abandon();
  EXPECT_TRUE(std::holds_alternative<StorageError>(storage.read("0-2.ts", 0)));
  EXPECT_NE(what_failed(storage.finish("0-2.ts")), "");
  const auto found = storage.names();
  ASSERT_TRUE(std::holds_alternative<std::vector<std::string>>(found));
  auto names = std::get<std::vector<std::string>>(found);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"0-1.ts", "0.m3u8"}));
}

TYPED_TEST(EachStorage, CanHoldAnEmptyResource) {
  EXPECT_EQ(what_failed(this->storage().replace("key", {})), "");
  const auto read = this->storage().read("key", 0);
  ASSERT_TRUE(std::holds_alternative<Content>(read));
  EXPECT_EQ(std::get<Content>(read).size, 0U);
  EXPECT_TRUE(std::get<Content>(read).is_complete);
}

TYPED_TEST(EachStorage, ShowsAResourceAsItGrows) {
  auto& storage = this->storage();
  EXPECT_EQ(what_failed(storage.begin("0-1.ts", Kind::Segment)), "");
  EXPECT_EQ(what_failed(storage.append("0-1.ts", bytes_of("abc"))), "");
  EXPECT_EQ(what_failed(storage.append("0-1.ts", bytes_of("defg"))), "");
  auto content = std::get<Content>(storage.read("0-1.ts", 2));
  EXPECT_EQ(text_of(content), "cdefg");
  EXPECT_EQ(content.size, 7U);
  EXPECT_FALSE(content.is_complete);
  EXPECT_EQ(what_failed(storage.finish("0-1.ts")), "");
  content = std::get<Content>(storage.read("0-1.ts", 3));
  EXPECT_EQ(text_of(content), "defg");
  EXPECT_TRUE(content.is_complete);
}

TYPED_TEST(EachStorage, GivesNothingBehindTheEnd) {
  auto& storage = this->storage();
  EXPECT_EQ(what_failed(storage.replace("a", bytes_of("abc"))), "");
  for (const std::uint64_t offset : {std::uint64_t{3}, std::uint64_t{4}, ~std::uint64_t{0}}) {
    const auto content = std::get<Content>(storage.read("a", offset));
    EXPECT_TRUE(content.chunks.empty());
    EXPECT_EQ(content.size, 3U);
  }
}

TYPED_TEST(EachStorage, LetsAnUnfinishedResourceNotHideTheOneBefore) {
  auto& storage = this->storage();
  EXPECT_EQ(what_failed(write_segment(storage, "0-1.ts", "before")), "");
  EXPECT_EQ(what_failed(storage.begin("0-1.ts", Kind::Segment)), "");
  EXPECT_EQ(what_failed(storage.append("0-1.ts", bytes_of("after"))), "");
  EXPECT_EQ(text_in(storage, "0-1.ts"), "before");
  EXPECT_EQ(what_failed(storage.finish("0-1.ts")), "");
  EXPECT_EQ(text_in(storage, "0-1.ts"), "after");
}

TYPED_TEST(EachStorage, LetsSeveralResourcesGrowTogether) {
  auto& storage = this->storage();
  EXPECT_EQ(what_failed(storage.begin("0-1.ts", Kind::Segment)), "");
  EXPECT_EQ(what_failed(storage.begin("0-1.0.ts", Kind::Part)), "");
  EXPECT_EQ(what_failed(storage.append("0-1.ts", bytes_of("whole"))), "");
  EXPECT_EQ(what_failed(storage.append("0-1.0.ts", bytes_of("part"))), "");
  EXPECT_EQ(what_failed(storage.finish("0-1.0.ts")), "");
  EXPECT_EQ(what_failed(storage.finish("0-1.ts")), "");
  EXPECT_EQ(text_in(storage, "0-1.ts"), "whole");
  EXPECT_EQ(text_in(storage, "0-1.0.ts"), "part");
}

TYPED_TEST(EachStorage, BeginsAfreshWhenBegunAgain) {
  auto& storage = this->storage();
  EXPECT_EQ(what_failed(storage.begin("0-1.ts", Kind::Segment)), "");
  EXPECT_EQ(what_failed(storage.append("0-1.ts", bytes_of("lost"))), "");
  EXPECT_EQ(what_failed(write_segment(storage, "0-1.ts", "kept")), "");
  EXPECT_EQ(text_in(storage, "0-1.ts"), "kept");
}

TYPED_TEST(EachStorage, RemovesWhatIsWholeAndWhatGrows) {
  auto& storage = this->storage();
  EXPECT_EQ(what_failed(write_segment(storage, "0-1.ts", "whole")), "");
  EXPECT_EQ(what_failed(storage.begin("0-1.ts", Kind::Segment)), "");
  EXPECT_EQ(what_failed(storage.remove("0-1.ts")), "");
  EXPECT_FALSE(is_there(storage, "0-1.ts"));
  EXPECT_EQ(code_of(storage.finish("0-1.ts")), std::errc::bad_file_descriptor);
  EXPECT_EQ(what_failed(storage.remove("0-1.ts")), "") << "there is none";
}

TYPED_TEST(EachStorage, SaysThatAResourceIsMissing) {
  const auto read = this->storage().read("0.m3u8", 0);
  ASSERT_TRUE(std::holds_alternative<StorageError>(read));
  EXPECT_EQ(std::get<StorageError>(read).code, std::errc::no_such_file_or_directory);
  EXPECT_EQ(to_text(std::get<StorageError>(read)), "cannot read 0.m3u8: No such file or directory");
}

TYPED_TEST(EachStorage, RefusesToAppendToWhatWasNotBegun) {
  auto& storage = this->storage();
  EXPECT_EQ(code_of(storage.append("0-1.ts", bytes_of("a"))), std::errc::bad_file_descriptor);
  EXPECT_EQ(code_of(storage.finish("0-1.ts")), std::errc::bad_file_descriptor);
  EXPECT_EQ(what_failed(write_segment(storage, "0-1.ts", "whole")), "");
  EXPECT_EQ(code_of(storage.append("0-1.ts", bytes_of("a"))), std::errc::bad_file_descriptor);
}

TYPED_TEST(EachStorage, RefusesNamesThatLeadElsewhere) {
  using namespace std::string_view_literals;
  for (const auto name :
       {""sv, "."sv, ".."sv, "../x"sv, "a/b"sv, "/x"sv, ".hidden"sv, "a\0b"sv, "a\nb"sv}) {
    auto& storage = this->storage();
    EXPECT_EQ(code_of(storage.replace(name, {})), std::errc::invalid_argument);
    EXPECT_EQ(code_of(storage.begin(name, Kind::Segment)), std::errc::invalid_argument);
    EXPECT_FALSE(is_there(storage, name));
    EXPECT_EQ(storage.path_of(name), std::nullopt);
  }
}

TEST(ResourceName, HasUpToTwoHundredBytes) {
  EXPECT_TRUE(is_resource_name("0-12.3.ts"));
  EXPECT_TRUE(is_resource_name("a..b"));
  EXPECT_TRUE(is_resource_name(std::string(200, 'a')));
  EXPECT_FALSE(is_resource_name(std::string(201, 'a')));
}

// A letter for each place, so that a reader knows what must stand there.
std::string letters(std::size_t from, std::size_t size) {
  std::string text;
  for (std::size_t i = from; i < from + size; ++i)
    text += static_cast<char>('a' + i % 23);
  return text;
}

TYPED_TEST(EachStorage, LetsReadersFollowAGrowingResource) {
  constexpr std::size_t kPiece = 188;
  constexpr std::size_t kPieces = 400;
  auto& storage = this->storage();
  ASSERT_EQ(what_failed(storage.begin("0-1.0.ts", Kind::Part)), "");
  std::atomic<int> good = 0;
  std::vector<std::thread> readers;
  for (int n = 0; n < 3; ++n) {
    readers.emplace_back([&storage, &good] {
      std::string text;
      for (bool is_complete = false; !is_complete;) {
        const auto read = storage.read("0-1.0.ts", text.size());
        if (!std::holds_alternative<Content>(read))
          return;
        const auto& content = std::get<Content>(read);
        text += text_of(content);
        if (content.size != text.size())
          return;
        is_complete = content.is_complete;
      }
      good += text == letters(0, kPiece * kPieces) ? 1 : 0;
    });
  }
  for (std::size_t n = 0; n < kPieces; ++n) {
    EXPECT_EQ(what_failed(storage.append("0-1.0.ts", bytes_of(letters(n * kPiece, kPiece)))), "");
  }
  EXPECT_EQ(what_failed(storage.finish("0-1.0.ts")), "");
  for (auto& reader : readers)
    reader.join();
  EXPECT_EQ(good, 3);
}

TYPED_TEST(EachStorage, ShowsReadersTheOldTextOrTheNewOne) {
  auto& storage = this->storage();
  ASSERT_EQ(what_failed(storage.replace("0.m3u8", bytes_of(std::string(1, '0')))), "");
  std::atomic<bool> is_over = false;
  std::atomic<int> torn = 0;
  std::thread reader{[&] {
    while (!is_over) {
      const auto read = storage.read("0.m3u8", 0);
      if (!std::holds_alternative<Content>(read) || !std::get<Content>(read).is_complete) {
        ++torn;
        continue;
      }
      const auto text = text_of(std::get<Content>(read));
      torn += text == std::string(text.size(), text.front()) ? 0 : 1;
    }
  }};
  for (std::size_t n = 1; n < 200; ++n) {
    const std::string text(n, static_cast<char>('0' + n % 10));
    EXPECT_EQ(what_failed(storage.replace("0.m3u8", bytes_of(text))), "");
  }
  is_over = true;
  reader.join();
  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace onair::test
