// SPDX-License-Identifier: LGPL-2.1-or-later
// hlsorigin over loopback: what clients, caches and sources may rely on.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gio/gio.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include "certificates.hpp"
#include "element_bench.hpp"
#include "fatal_warnings.hpp"
#include "gst_environment.hpp"
#include "hls_source.hpp"
#include "http_connection.hpp"
#include "patience.hpp"
#include "temporary_directory.hpp"

namespace onair::test {
namespace {

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

const std::string kPlaylist =
    "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n"
    "#EXTINF:2.000,\n0-1.ts\n#EXTINF:2.000,\n0-2.ts\n#EXTINF:2.000,\n0-3.ts\n#EXTINF:2.000,\n"
    "0-4.ts\n";
constexpr const char* kNext = "0.m3u8?_HLS_msn=5";

HlsSource::Resource not_yet(const std::string& wait_for, GstClockTime patience = 60 * GST_SECOND) {
  return {.status = 202, .wait_for = wait_for, .patience = patience};
}

bool eventually(const std::function<bool()>& is_true) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!is_true()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::yield();
  }
  return true;
}

std::string gunzip(const std::string& packed) {
  const auto converter = GstPtr<GConverter>::adopt(
      G_CONVERTER(g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP)));
  std::string text(1 << 20, '\0');
  gsize read = 0;
  gsize written = 0;
  g_converter_convert(converter.get(), packed.data(), packed.size(), text.data(), text.size(),
                      G_CONVERTER_INPUT_AT_END, &read, &written, nullptr);
  text.resize(written);
  return text;
}

// An origin in READY with a source at "/".
class HlsOrigin : public FatalWarningsTest {
 protected:
  HlsOrigin() { start(); }

  void start(const std::string& properties = {}) {
    bench_.reset();
    bench_ = std::make_unique<ElementBench>("hlsorigin address=127.0.0.1 port=0 " + properties);
    mount("/", source_);
    ASSERT_EQ(bench_->set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  }
  void mount(const char* prefix, const HlsSource& source) {
    g_signal_emit_by_name(bench_->element(), "mount", prefix, source.object());
  }
  void unmount(const char* prefix) { g_signal_emit_by_name(bench_->element(), "unmount", prefix); }
  guint port() {
    guint port = 0;
    g_object_get(bench_->element(), "current-port", &port, nullptr);
    return port;
  }
  // PEM; null: none.
  void use(const char* certificate) {
    const auto its = GstPtr<GTlsCertificate>::adopt(
        certificate ? g_tls_certificate_new_from_pem(certificate, -1, nullptr) : nullptr);
    g_object_set(bench_->element(), "tls-certificate", its.get(), nullptr);
  }
  std::unique_ptr<HttpConnection> connect() { return std::make_unique<HttpConnection>(port()); }
  HttpResponse get(const std::string& target, const HttpHeaders& headers = {},
                   std::string_view method = "GET") {
    HttpConnection connection{port()};
    connection.ask(target, headers, method);
    return connection.read(method);
  }
  bool wait_for_stat(const char* field, guint64 value) {
    return eventually([&] { return bench_->stat(field) == value; });
  }
  // So many clients that wait for a target.
  std::vector<std::unique_ptr<HttpConnection>> crowd(const std::string& target, unsigned size) {
    std::vector<std::unique_ptr<HttpConnection>> clients;
    const auto before = bench_->stat("waiting");
    for (unsigned i = 0; i < size; ++i) {
      clients.push_back(connect());
      clients.back()->ask("/" + target);
    }
    EXPECT_TRUE(wait_for_stat("waiting", before + size));
    return clients;
  }

  HlsSource source_;
  std::unique_ptr<ElementBench> bench_;
};

// ---- listening

TEST_F(HlsOrigin, ListensFromReadyOnAndNoLonger) {
  const auto listening_at = port();
  EXPECT_NE(listening_at, 0u);
  EXPECT_TRUE(HttpConnection{listening_at}.is_connected());
  EXPECT_EQ(bench_->set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(port(), listening_at);
  EXPECT_EQ(bench_->set_state(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(port(), 0u);
  EXPECT_FALSE(HttpConnection{listening_at}.is_connected());
}

TEST_F(HlsOrigin, ListensAgainAndKeepsWhatIsMounted) {
  source_.set("0-1.ts", {.data = "segment"});
  bench_->set_state(GST_STATE_NULL);
  ASSERT_EQ(bench_->set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(get("/0-1.ts").body, "segment");
}

TEST_F(HlsOrigin, TlsIsByTheCertificateThatWasSetLast) {
  using Transport = HttpConnection::Transport;
  const auto served = [](HttpConnection& client) {
    client.ask("/0-1.ts");
    return client.read().body;
  };
  source_.set("0-1.ts", {.data = "segment"});
  bench_->set_state(GST_STATE_NULL);
  use(kCertificate);
  ASSERT_EQ(bench_->set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  HttpConnection early{port(), Transport::Tls};
  EXPECT_TRUE(early.is_with(kCertificate));
  EXPECT_EQ(served(early), "segment");
  EXPECT_EQ(get("/0-1.ts").status, 0u) << "without TLS";

  use(kNextCertificate);
  ASSERT_TRUE(eventually([&] {
    return HttpConnection{port(), Transport::Tls}.is_with(kNextCertificate);
  }));
  EXPECT_EQ(served(early), "segment") << "connections go on";

  use(nullptr);
  ASSERT_TRUE(eventually([&] { return get("/0-1.ts").body == "segment"; }));
  EXPECT_EQ(served(early), "segment");
}

TEST_F(HlsOrigin, APortThatIsTakenIsAnErrorThatNamesIt) {
  const auto where = "127.0.0.1:" + std::to_string(port());
  ElementBench second{"hlsorigin address=127.0.0.1 port=" + std::to_string(port())};
  EXPECT_EQ(second.set_state(GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
  const auto errors = second.messages(GST_MESSAGE_ERROR);
  ASSERT_EQ(errors.size(), 1u);
  GError* raw = nullptr;
  gst_message_parse_error(errors.front().get(), &raw, nullptr);
  const ErrorPtr error{raw};
  EXPECT_TRUE(g_error_matches(raw, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ_WRITE));
  EXPECT_NE(std::string{error->message}.find(where), std::string::npos) << error->message;
  // And the first one goes on.
  EXPECT_EQ(get("/nothing").status, 404u);
}

TEST_F(HlsOrigin, ANameIsNoAddress) {
  ElementBench other{"hlsorigin address=localhost port=0"};
  EXPECT_EQ(other.set_state(GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
}

TEST_F(HlsOrigin, WhoWaitsIsToldThatItStopsAndThenDisconnected) {
  source_.set(kNext, not_yet("0.m3u8"));
  const auto clients = crowd(kNext, 3);
  bench_->set_state(GST_STATE_NULL);
  for (const auto& client : clients) {
    EXPECT_EQ(client->read().status, 503u);
    EXPECT_EQ(client->read_to_end(), "");
  }
}

// ---- plain resources

TEST_F(HlsOrigin, AResourceGoesOutWithWhatItsSourceSaysOfIt) {
  source_.set("0-1.ts", {.data = "segment", .cache_control = "public, max-age=3600, immutable"});
  const auto response = get("/0-1.ts");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body, "segment");
  EXPECT_EQ(response.header("content-length"), "7");
  EXPECT_EQ(response.header("content-type"), "video/mp2t");
  EXPECT_EQ(response.header("cache-control"), "public, max-age=3600, immutable");
  EXPECT_EQ(response.header("accept-ranges"), "bytes");
  EXPECT_NE(response.header("date"), "");
}

TEST_F(HlsOrigin, NothingKeepsACacheFromCollapsingRequests) {
  source_.set("0-1.ts", {.data = "segment"});
  const auto response = get("/0-1.ts", {{"Cookie", "a=b"}, {"Origin", "https://example.org"}});
  EXPECT_FALSE(response.headers.contains("set-cookie"));
  EXPECT_FALSE(response.headers.contains("vary"));
  EXPECT_FALSE(response.headers.contains("age"));
  EXPECT_FALSE(response.headers.contains("transfer-encoding"));
}

TEST_F(HlsOrigin, AnEmptyResourceIsOne) {
  source_.set("0-1.ts", {.data = ""});
  const auto response = get("/0-1.ts");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.header("content-length"), "0");
}

TEST_F(HlsOrigin, ManyRequestsUseOneConnection) {
  source_.set("0-1.ts", {.data = "first"});
  source_.set("0-2.ts", {.data = "second"});
  const auto connection = connect();
  connection->ask("/0-1.ts");
  EXPECT_EQ(connection->read().body, "first");
  connection->ask("/missing.ts");
  EXPECT_EQ(connection->read().status, 404u);
  connection->ask("/0-2.ts", {}, "HEAD");
  EXPECT_EQ(connection->read("HEAD").status, 200u);
  connection->ask("/0-2.ts");
  EXPECT_EQ(connection->read().body, "second");
  EXPECT_EQ(bench_->stat("connections"), 1u);
}

TEST_F(HlsOrigin, HeadSaysWhatGetWouldAndSendsNoBody) {
  source_.set("0-1.ts", {.data = "segment"});
  const auto connection = connect();
  connection->ask("/0-1.ts", {{"Range", "bytes=1-2"}}, "HEAD");
  const auto response = connection->read("HEAD");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.header("content-length"), "7");
  connection->ask("/nothing", {{"Connection", "close"}}, "HEAD");
  EXPECT_EQ(connection->read("HEAD").status, 404u);
  EXPECT_EQ(connection->read_to_end(), "");
}

TEST_F(HlsOrigin, SeveralMemoriesOfManyMegabytesArriveInOrder) {
  std::string data(20'000'000, '\0');
  for (std::size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<char>(i * 31 + i / 251);
  source_.set("0-1.ts", {.data = data, .is_in_pieces = true});
  EXPECT_TRUE(get("/0-1.ts").body == data);
}

TEST_F(HlsOrigin, APartOfAResourceIs206) {
  source_.set("0-1.ts", {.data = "0123456789", .is_in_pieces = true});
  const auto middle = get("/0-1.ts", {{"Range", "bytes=3-6"}});
  EXPECT_EQ(middle.status, 206u);
  EXPECT_EQ(middle.body, "3456");
  EXPECT_EQ(middle.header("content-range"), "bytes 3-6/10");
  EXPECT_EQ(middle.header("content-length"), "4");
  EXPECT_EQ(get("/0-1.ts", {{"Range", "bytes=-3"}}).body, "789");
  EXPECT_EQ(get("/0-1.ts", {{"Range", "bytes=9-1000"}}).body, "9");
  EXPECT_EQ(get("/0-1.ts", {{"Range", "bytes=-1000"}}).body, "0123456789");
}

TEST_F(HlsOrigin, APartThatIsNotThereIs416) {
  source_.set("0-1.ts", {.data = "0123456789"});
  const auto response = get("/0-1.ts", {{"Range", "bytes=10-"}});
  EXPECT_EQ(response.status, 416u);
  EXPECT_EQ(response.header("content-range"), "bytes */10");
}

TEST_F(HlsOrigin, SeveralPartsAtOnceAreTheWhole) {
  source_.set("0-1.ts", {.data = "0123456789"});
  const auto response = get("/0-1.ts", {{"Range", "bytes=0-1,0-2,0-3"}});
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body, "0123456789");
}

// ---- playlists

TEST_F(HlsOrigin, APlaylistIsCompressedForThoseWhoTakeIt) {
  source_.set_playlist("0.m3u8", kPlaylist);
  const auto packed = get("/0.m3u8", {{"Accept-Encoding", "gzip, deflate, br"}});
  EXPECT_EQ(packed.header("content-encoding"), "gzip");
  EXPECT_EQ(packed.header("vary"), "Accept-Encoding");
  EXPECT_EQ(packed.header("content-length"), std::to_string(packed.body.size()));
  EXPECT_LT(packed.body.size(), kPlaylist.size());
  EXPECT_EQ(gunzip(packed.body), kPlaylist);
  const auto plain = get("/0.m3u8");
  EXPECT_EQ(plain.header("content-encoding"), "");
  EXPECT_EQ(plain.header("vary"), "Accept-Encoding");
  EXPECT_EQ(plain.body, kPlaylist);
  EXPECT_NE(plain.header("etag"), packed.header("etag"));
}

TEST_F(HlsOrigin, WhatDoesNotGetShorterIsNotCompressed) {
  source_.set_playlist("0.m3u8", "#EXTM3U\n");
  source_.set("0-1.ts", {.data = std::string(10'000, 'a')});
  const HttpHeaders gzip{{"Accept-Encoding", "gzip"}};
  EXPECT_EQ(get("/0.m3u8", gzip).body, "#EXTM3U\n");
  EXPECT_EQ(get("/0-1.ts", gzip).body.size(), 10'000u);
}

TEST_F(HlsOrigin, WhoHasThePlaylistIsNotSentIt) {
  source_.set_playlist("0.m3u8", kPlaylist);
  for (const HttpHeaders& form : {HttpHeaders{}, HttpHeaders{{"Accept-Encoding", "gzip"}}}) {
    const auto first = get("/0.m3u8", form);
    ASSERT_NE(first.header("etag"), "");
    auto again = form;
    again.emplace_back("If-None-Match", first.header("etag"));
    const auto unchanged = get("/0.m3u8", again);
    EXPECT_EQ(unchanged.status, 304u);
    EXPECT_EQ(unchanged.header("etag"), first.header("etag"));
    EXPECT_EQ(unchanged.header("cache-control"), "max-age=1");
    // RFC 9110 section 8.6: that of the 200, or none.
    EXPECT_EQ(unchanged.header("content-length"), first.header("content-length"));
  }
  const auto etag = get("/0.m3u8").header("etag");
  source_.set_playlist("0.m3u8", kPlaylist + "#EXTINF:2.000,\n0-5.ts\n");
  const auto changed = get("/0.m3u8", {{"If-None-Match", etag}});
  EXPECT_EQ(changed.status, 200u);
  EXPECT_NE(changed.header("etag"), etag);
  EXPECT_EQ(bench_->stat("not-modified"), 2u);
}

TEST_F(HlsOrigin, TheSourcesOwnTagIsKept) {
  source_.set(
      "0.m3u8",
      {.data = kPlaylist, .content_type = "application/vnd.apple.mpegurl", .etag = "\"17\""});
  EXPECT_EQ(get("/0.m3u8").header("etag"), "\"17\"");
  source_.set("0-1.ts", {.data = "segment", .etag = "s1"});
  EXPECT_EQ(get("/0-1.ts").header("etag"), "\"s1\"");
  EXPECT_EQ(get("/0-1.ts", {{"If-None-Match", "\"s1\""}}).status, 304u);
}

// ---- blocking reload

TEST_F(HlsOrigin, APlaylistThatIsNotThereYetIsWaitedFor) {
  source_.set(kNext, not_yet("0.m3u8"));
  const auto clients = crowd(kNext, 1);
  source_.set_playlist(kNext, "#EXTM3U\n#5\n");
  source_.change("0.m3u8");
  const auto response = clients.front()->read();
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body, "#EXTM3U\n#5\n");
  // The connection goes on.
  clients.front()->ask("/" + std::string{kNext});
  EXPECT_EQ(clients.front()->read().status, 200u);
}

TEST_F(HlsOrigin, OneWhoWaitsDoesNotHoldUpOthers) {
  source_.set(kNext, not_yet("0.m3u8"));
  source_.set("0-1.ts", {.data = "segment"});
  const auto clients = crowd(kNext, 1);
  EXPECT_EQ(get("/0-1.ts").body, "segment");
  EXPECT_EQ(bench_->stat("waiting"), 1u);
}

TEST_F(HlsOrigin, HoweverManyWaitTheSourceIsAskedOnceForEachChangeAndTarget) {
  const std::string other = "0.m3u8?_HLS_msn=6";
  source_.set(kNext, not_yet("0.m3u8"));
  source_.set(other, not_yet("0.m3u8"));
  const auto first = crowd(kNext, 60);
  const auto second = crowd(other, 40);
  EXPECT_EQ(source_.asked(kNext), 1u);
  EXPECT_EQ(source_.asked(other), 1u);

  source_.change("1.m3u8");  // concerns nobody
  source_.change("0.m3u8");
  EXPECT_TRUE(source_.wait_until_asked(kNext, 2));
  EXPECT_TRUE(source_.wait_until_asked(other, 2));
  EXPECT_EQ(bench_->stat("waiting"), 100u);

  source_.set_playlist(kNext, kPlaylist);
  source_.change("0.m3u8");
  for (const auto& client : first)
    EXPECT_EQ(client->read().body, kPlaylist);
  EXPECT_TRUE(wait_for_stat("waiting", 40));
  EXPECT_EQ(source_.asked(kNext), 3u);
  EXPECT_EQ(source_.asked(other), 3u);

  source_.set_playlist(other, "#EXTM3U\n");
  source_.change("0.m3u8");
  for (const auto& client : second)
    EXPECT_EQ(client->read().body, "#EXTM3U\n");
  EXPECT_EQ(source_.asked(kNext), 3u);
  EXPECT_EQ(source_.asked(other), 4u);
}

TEST_F(HlsOrigin, AChangeWhileTheSourceIsBeingAskedIsNotMissed) {
  source_.set(kNext, not_yet("0.m3u8"));
  source_.change_when_asked(kNext, {.data = kPlaylist}, "0.m3u8");
  EXPECT_EQ(get("/" + std::string{kNext}).body, kPlaylist);
  EXPECT_EQ(source_.asked(kNext), 2u);
}

TEST_F(HlsOrigin, WhatWaitsForAnotherNameHearsOfThat) {
  source_.set("0-5.0.ts", not_yet("0.m3u8"));
  const auto clients = crowd("0-5.0.ts", 1);
  source_.set("0-5.0.ts", {.data = "part"});
  source_.change("0-5.0.ts");
  source_.change("0.m3u8");
  EXPECT_EQ(clients.front()->read().body, "part");
  EXPECT_EQ(source_.asked("0-5.0.ts"), 2u);
}

TEST_F(HlsOrigin, PatienceEndsWith503) {
  source_.set(kNext, not_yet("0.m3u8", 200 * GST_MSECOND));
  const auto asked_at = std::chrono::steady_clock::now();
  const auto response = get("/" + std::string{kNext});
  EXPECT_GE(std::chrono::steady_clock::now() - asked_at, std::chrono::milliseconds{200});
  EXPECT_EQ(response.status, 503u);
  EXPECT_EQ(response.header("retry-after"), "1");
  EXPECT_EQ(response.header("cache-control"), "no-store");
  EXPECT_EQ(bench_->stat("waiting"), 0u);
}

TEST_F(HlsOrigin, WithoutPatienceNobodyWaits) {
  source_.set(kNext, not_yet("0.m3u8", 0));
  EXPECT_EQ(get("/" + std::string{kNext}).status, 503u);
}

TEST_F(HlsOrigin, AWaitMayEndWithAnError) {
  source_.set(kNext, not_yet("0.m3u8"));
  const auto clients = crowd(kNext, 2);
  source_.set(kNext, {.status = 404, .reason = "The channel has ended."});
  source_.change("0.m3u8");
  for (const auto& client : clients) {
    const auto response = client->read();
    EXPECT_EQ(response.status, 404u);
    EXPECT_EQ(response.body, "The channel has ended.\n");
  }
}

TEST_F(HlsOrigin, WhoHangsUpWhileWaitingDisturbsNobody) {
  source_.set(kNext, not_yet("0.m3u8"));
  const auto clients = crowd(kNext, 3);
  clients[1]->close();
  source_.set_playlist(kNext, kPlaylist);
  source_.change("0.m3u8");
  EXPECT_EQ(clients[0]->read().body, kPlaylist);
  EXPECT_EQ(clients[2]->read().body, kPlaylist);
  EXPECT_TRUE(wait_for_stat("connections", 2));
}

// ---- growing parts

TEST_F(HlsOrigin, APartIsSentAsItGrows) {
  source_.set("0-5.0.ts", {.data = "one", .is_complete = false});
  const auto client = connect();
  client->ask("/0-5.0.ts");
  const auto headers = client->read_headers();
  EXPECT_EQ(headers.status, 200u);
  EXPECT_EQ(headers.header("transfer-encoding"), "chunked");
  EXPECT_FALSE(headers.headers.contains("content-length"));
  EXPECT_EQ(headers.header("content-type"), "video/mp2t");
  EXPECT_EQ(headers.header("cache-control"), "public, max-age=3600");
  EXPECT_EQ(client->read_chunk(), "one");
  source_.append("0-5.0.ts", "two", false);
  source_.change("0-5.0.ts");
  EXPECT_EQ(client->read_chunk(), "two");
  source_.append("0-5.0.ts", "three", true);
  source_.change("0-5.0.ts");
  EXPECT_EQ(client->read_chunk(), "three");
  EXPECT_EQ(client->read_chunk(), "");
  EXPECT_FALSE(client->was_cut_off());
  // The connection goes on, and the whole has a length.
  client->ask("/0-5.0.ts");
  const auto whole = client->read();
  EXPECT_EQ(whole.body, "onetwothree");
  EXPECT_EQ(whole.header("content-length"), "11");
}

TEST_F(HlsOrigin, APartWithoutBytesYetBeginsWithItsHeaders) {
  source_.set("0-5.0.ts", {.is_complete = false});
  const auto client = connect();
  client->ask("/0-5.0.ts");
  EXPECT_EQ(client->read_headers().status, 200u);
  source_.append("0-5.0.ts", "all", true);
  source_.change("0-5.0.ts");
  EXPECT_EQ(client->read_chunk(), "all");
  EXPECT_EQ(client->read_chunk(), "");
}

TEST_F(HlsOrigin, WhoComesLateGetsAllAndTheSourceIsAskedOnceForEachChange) {
  source_.set("0-5.0.ts", {.data = "one", .is_complete = false});
  const auto early = connect();
  early->ask("/0-5.0.ts");
  EXPECT_EQ(early->read_headers().status, 200u);
  EXPECT_EQ(early->read_chunk(), "one");
  source_.append("0-5.0.ts", "two", false);
  source_.change("0-5.0.ts");
  EXPECT_EQ(early->read_chunk(), "two");
  const auto late = connect();
  late->ask("/0-5.0.ts");
  EXPECT_TRUE(wait_for_stat("growing", 2));
  source_.append("0-5.0.ts", "three", true);
  source_.change("0-5.0.ts");
  EXPECT_EQ(late->read().body, "onetwothree");
  EXPECT_EQ(early->read_chunk(), "three");
  EXPECT_EQ(early->read_chunk(), "");
  EXPECT_EQ(source_.asked("0-5.0.ts"), 3u);
  EXPECT_TRUE(wait_for_stat("growing", 0));
}

TEST_F(HlsOrigin, APartThatWasWaitedForThenGrows) {
  source_.set("0-5.0.ts", not_yet("0-5.0.ts"));
  const auto clients = crowd("0-5.0.ts", 2);
  source_.set("0-5.0.ts", {.data = "one", .is_complete = false});
  source_.change("0-5.0.ts");
  for (const auto& client : clients) {
    EXPECT_EQ(client->read_headers().status, 200u);
    EXPECT_EQ(client->read_chunk(), "one");
  }
  source_.append("0-5.0.ts", "two", true);
  source_.change("0-5.0.ts");
  for (const auto& client : clients) {
    EXPECT_EQ(client->read_chunk(), "two");
    EXPECT_EQ(client->read_chunk(), "");
  }
}

TEST_F(HlsOrigin, AnOldClientReadsAGrowingPartUntilTheEndOfTheConnection) {
  source_.set("0-5.0.ts", {.data = "one", .is_complete = false});
  const auto client = connect();
  client->write("GET /0-5.0.ts HTTP/1.0\r\nHost: origin\r\n\r\n");
  EXPECT_TRUE(wait_for_stat("growing", 1));
  source_.append("0-5.0.ts", "two", true);
  source_.change("0-5.0.ts");
  const auto response = client->read();
  EXPECT_EQ(response.header("transfer-encoding"), "");
  EXPECT_EQ(response.body, "onetwo");
}

TEST_F(HlsOrigin, HeadOfAGrowingPartDoesNotWaitForIt) {
  source_.set("0-5.0.ts", {.data = "one", .is_complete = false});
  const auto client = connect();
  client->ask("/0-5.0.ts", {}, "HEAD");
  EXPECT_EQ(client->read("HEAD").status, 200u);
  source_.append("0-5.0.ts", "two", true);
  source_.change("0-5.0.ts");
  client->ask("/0-5.0.ts");
  EXPECT_EQ(client->read().body, "onetwo");
}

TEST_F(HlsOrigin, APartThatIsWithdrawnIsNotTakenForWhole) {
  source_.set("0-5.0.ts", {.data = "one", .is_complete = false});
  const auto client = connect();
  client->ask("/0-5.0.ts");
  EXPECT_EQ(client->read_headers().status, 200u);
  EXPECT_EQ(client->read_chunk(), "one");
  source_.set("0-5.0.ts", {.status = 404, .reason = "It is gone."});
  source_.change("0-5.0.ts");
  EXPECT_EQ(client->read_chunk(), "");
  EXPECT_TRUE(client->was_cut_off());
}

TEST_F(HlsOrigin, WhoHangsUpIsNotSentTheRest) {
  source_.set("0-5.0.ts", {.data = "one", .is_complete = false});
  const auto client = connect();
  client->ask("/0-5.0.ts");
  EXPECT_TRUE(wait_for_stat("growing", 1));
  client->close();
  EXPECT_TRUE(eventually([&] {
    source_.append("0-5.0.ts", "more", false);
    source_.change("0-5.0.ts");
    return bench_->stat("growing") == 0;
  }));
}

// ---- errors

TEST_F(HlsOrigin, AnErrorIsAShortTextThatNoCacheKeeps) {
  const auto missing = get("/0-99.ts");
  EXPECT_EQ(missing.status, 404u);
  EXPECT_EQ(missing.body, "Nobody knows it.\n");
  EXPECT_EQ(missing.header("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(missing.header("cache-control"), "max-age=1");
  source_.set("0.m3u8?_HLS_msn=x", {.status = 400, .reason = "No such number."});
  EXPECT_EQ(get("/0.m3u8?_HLS_msn=x").status, 400u);
  source_.set("0.m3u8?_HLS_msn=99", {.status = 503, .reason = "Too far ahead."});
  const auto busy = get("/0.m3u8?_HLS_msn=99");
  EXPECT_EQ(busy.status, 503u);
  EXPECT_EQ(busy.header("retry-after"), "1");
  EXPECT_EQ(bench_->stat("client-errors"), 2u);
  EXPECT_EQ(bench_->stat("server-errors"), 1u);
}

TEST_F(HlsOrigin, AStatusThatMakesNoSenseIs500) {
  source_.set("0.m3u8", {.status = 302});
  EXPECT_EQ(get("/0.m3u8").status, 500u);
}

TEST_F(HlsOrigin, OnlyGetAndHeadArePossible) {
  source_.set("0-1.ts", {.data = "segment"});
  for (const char* method : {"POST", "PUT", "DELETE", "TRACE", "BREW"}) {
    const auto response = get("/0-1.ts", {}, method);
    EXPECT_EQ(response.status, 405u) << method;
    EXPECT_EQ(response.header("allow"), "GET, HEAD, OPTIONS");
  }
  EXPECT_EQ(source_.asked(), 0u);
}

TEST_F(HlsOrigin, NoAddressLeadsOutOfTheMount) {
  for (const char* target : {"/a/..%2f0-1.ts", "//0-1.ts", "/a//0-1.ts", "/%00", "/0-1.ts%",
                             "/a%5c..%5c0-1.ts", "/0-1.ts%3fa"})
    EXPECT_EQ(get(target).status, 400u) << target;
  EXPECT_EQ(get("/" + std::string(3000, 'a')).status, 414u);
  EXPECT_EQ(get("/0.m3u8?" + std::string(3000, 'a')).status, 414u);
  EXPECT_EQ(source_.asked(), 0u);
}

// GLib resolves some of these as RFC 3986 section 5.2.4 says, others are refused.
TEST_F(HlsOrigin, DotsStayBelowTheMount) {
  HlsSource one;
  mount("/channel-1/", one);
  for (const char* path : {"/channel-1/../x", "/channel-1/%2e%2e/x", "/channel-1/.%2E/../../x",
                           "/channel-1/a/../../x"}) {
    const auto status = get(path).status;
    EXPECT_TRUE(status == 400 || status == 404) << path << ": " << status;
  }
  EXPECT_EQ(one.asked(), 0u);
  EXPECT_EQ(source_.asked(), source_.asked("x"));
}

TEST_F(HlsOrigin, ABodyIsDroppedAndEndlessHeadersEndTheConnection) {
  source_.set("0-1.ts", {.data = "segment"});
  const auto client = connect();
  client->ask("/0-1.ts", {{"Content-Length", "1000000"}});
  client->write(std::string(1'000'000, 'x'));
  EXPECT_EQ(client->read().body, "segment");
  const auto rambler = connect();
  rambler->write("GET /0-1.ts HTTP/1.1\r\nHost: origin\r\nX: " + std::string(200'000, 'x'));
  static_cast<void>(rambler->read_to_end());  // does not wait for the end of the headers
  EXPECT_EQ(get("/0-1.ts").status, 200u);
}

TEST_F(HlsOrigin, GarbageDisturbsNobody) {
  source_.set("0-1.ts", {.data = "segment"});
  const auto client = connect();
  client->write(std::string("\x16\x03\x01\x02\x00\r\n\r\n", 9));
  static_cast<void>(client->read_to_end());
  EXPECT_EQ(get("/0-1.ts").status, 200u);
}

// ---- pages of other origins

TEST_F(HlsOrigin, PagesOfAllOriginsMayRead) {
  source_.set("0-1.ts", {.data = "segment"});
  for (const char* target : {"/0-1.ts", "/missing"}) {
    const auto response = get(target, {{"Origin", "https://example.org"}});
    EXPECT_EQ(response.header("access-control-allow-origin"), "*");
    EXPECT_NE(response.header("access-control-expose-headers").find("Content-Range"),
              std::string::npos);
  }
  const auto preflight = get("/0-1.ts", {{"Access-Control-Request-Headers", "range"}}, "OPTIONS");
  EXPECT_EQ(preflight.status, 204u);
  EXPECT_EQ(preflight.header("access-control-allow-methods"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(preflight.header("access-control-allow-headers"), "*");
  EXPECT_EQ(preflight.header("access-control-allow-origin"), "*");
}

TEST_F(HlsOrigin, OrOfOneOrNone) {
  source_.set("0-1.ts", {.data = "segment"});
  start("cors-origin=https://tv.example");
  EXPECT_EQ(get("/0-1.ts").header("access-control-allow-origin"), "https://tv.example");
  EXPECT_EQ(get("/0-1.ts").header("vary"), "");
  start("cors-origin=\"\"");
  EXPECT_FALSE(get("/0-1.ts").headers.contains("access-control-allow-origin"));
  const auto preflight = get("/0-1.ts", {}, "OPTIONS");
  EXPECT_FALSE(preflight.headers.contains("access-control-allow-headers"));
  EXPECT_EQ(preflight.header("allow"), "GET, HEAD, OPTIONS");
}

// ---- mounts

TEST_F(HlsOrigin, TheLongestPrefixWins) {
  HlsSource one;
  HlsSource two;
  mount("/channel-1/", one);
  mount("channel-1/hd", two);
  source_.set("channel-2/0.ts", {.data = "root"});
  one.set("0.ts", {.data = "one"});
  one.set("hdr/0.ts", {.data = "one's folder"});
  two.set("0.ts", {.data = "two"});
  EXPECT_EQ(get("/channel-2/0.ts").body, "root");
  EXPECT_EQ(get("/channel-1/0.ts").body, "one");
  EXPECT_EQ(get("/channel-1/hdr/0.ts").body, "one's folder");
  EXPECT_EQ(get("/channel-1/hd/0.ts").body, "two");
  EXPECT_EQ(get("/channel-1/").status, 404u);
  EXPECT_EQ(get("/").status, 404u);
}

TEST_F(HlsOrigin, WhatIsUnmountedIsGoneAndWhoWaitsIsTold) {
  HlsSource one;
  mount("/channel-1/", one);
  one.set(kNext, not_yet("0.m3u8"));
  one.set("0-5.0.ts", {.data = "one", .is_complete = false});
  const auto waiting = crowd("channel-1/" + std::string{kNext}, 2);
  const auto growing = connect();
  growing->ask("/channel-1/0-5.0.ts");
  EXPECT_EQ(growing->read_headers().status, 200u);
  EXPECT_EQ(growing->read_chunk(), "one");
  unmount("/channel-1/");
  for (const auto& client : waiting)
    EXPECT_EQ(client->read().status, 503u);
  EXPECT_EQ(growing->read_chunk(), "");
  EXPECT_TRUE(growing->was_cut_off());
  EXPECT_EQ(get("/channel-1/0-5.0.ts").status, 404u);
  EXPECT_EQ(one.asked("0-5.0.ts"), 1u);
}

TEST_F(HlsOrigin, ANewSourceTakesThePlaceOfTheOld) {
  HlsSource next;
  source_.set(kNext, not_yet("0.m3u8"));
  next.set_playlist(kNext, "#EXTM3U\n");
  const auto clients = crowd(kNext, 1);
  mount("/", next);
  EXPECT_EQ(clients.front()->read().status, 503u);
  EXPECT_EQ(get("/" + std::string{kNext}).body, "#EXTM3U\n");
  source_.change("0.m3u8");
  EXPECT_EQ(source_.asked(kNext), 1u);
}

TEST_F(HlsOrigin, ASourceMayDie) {
  HlsSource one;
  mount("/channel-1/", one);
  one.set("0.ts", {.data = "one"});
  EXPECT_EQ(get("/channel-1/0.ts").status, 200u);
  one.destroy();
  EXPECT_EQ(get("/channel-1/0.ts").status, 404u);
  unmount("/channel-1/");
}

TEST_F(HlsOrigin, TwoMountsOfOneNameWaitApart) {
  HlsSource one;
  mount("/channel-1/", one);
  source_.set(kNext, not_yet("0.m3u8"));
  one.set(kNext, not_yet("0.m3u8"));
  const auto at_root = crowd(kNext, 1);
  const auto at_one = crowd("channel-1/" + std::string{kNext}, 1);
  one.set_playlist(kNext, "#EXTM3U\n#one\n");
  one.change("0.m3u8");
  EXPECT_EQ(at_one.front()->read().body, "#EXTM3U\n#one\n");
  EXPECT_EQ(source_.asked(kNext), 1u);
  EXPECT_TRUE(wait_for_stat("waiting", 1));
}

// ---- slow and silent clients

TEST_F(HlsOrigin, AClientThatReadsNothingHoldsNobodyUpAndIsEnded) {
  start("idle-timeout=1000000000");
  source_.set("0-1.ts", {.data = std::string(50'000'000, 'x')});  // more than sockets buffer
  source_.set("0-2.ts", {.data = "segment"});
  const auto stuck = connect();
  stuck->ask("/0-1.ts");
  EXPECT_TRUE(source_.wait_until_asked("0-1.ts", 1));
  EXPECT_EQ(get("/0-2.ts").body, "segment");
  EXPECT_TRUE(wait_for_stat("connections", 0));
}

TEST_F(HlsOrigin, AClientThatSaysNothingIsEnded) {
  start("idle-timeout=1000000000");
  const auto silent = connect();
  const auto halfway = connect();
  halfway->write("GET /0-1.ts HT");
  EXPECT_TRUE(wait_for_stat("connections", 2));
  EXPECT_EQ(silent->read_to_end(), "");
  static_cast<void>(halfway->read_to_end());
  EXPECT_TRUE(wait_for_stat("connections", 0));
}

TEST_F(HlsOrigin, OneTooManyWaitsForAPlace) {
  start("max-connections=2");
  source_.set("0-1.ts", {.data = "segment"});
  const auto first = connect();
  first->ask("/0-1.ts");
  EXPECT_EQ(first->read().body, "segment");
  const auto second = connect();
  second->ask("/0-1.ts");
  EXPECT_EQ(second->read().body, "segment");
  const auto third = connect();
  third->ask("/0-1.ts");
  first->ask("/0-1.ts");
  EXPECT_EQ(first->read().body, "segment");
  EXPECT_EQ(source_.asked("0-1.ts"), 3u);
  EXPECT_EQ(bench_->stat("connections"), 2u);
  first->close();
  EXPECT_EQ(third->read().body, "segment");
}

// ---- a directory

class HlsOriginOfADirectory : public HlsOrigin {
 protected:
  HlsOriginOfADirectory() {
    bench_ = std::make_unique<ElementBench>(
        "hlsorigin address=127.0.0.1 port=0 location=" + directory_.path().string() + "/live");
  }
  void get_ready() { ASSERT_EQ(bench_->set_state(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS); }
  void write(const std::string& name, const std::string& text) {
    const auto file = directory_.path() / "live" / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file.string() + ".new"} << text;
    std::filesystem::rename(file.string() + ".new", file);
  }
  static std::string playlist(unsigned segments) {
    std::string text =
        "#EXTM3U\n#EXT-X-TARGETDURATION:20\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n";
    for (unsigned n = 0; n < segments; ++n)
      text += "#EXTINF:20,\n0-" + std::to_string(n) + ".ts\n";
    return text;
  }

  TemporaryDirectory directory_;
};

TEST_F(HlsOriginOfADirectory, ServesEachFolderAndLetsPlayersWait) {
  get_ready();
  EXPECT_EQ(get("/one/0.m3u8").status, 404u);
  write("one/0-0.ts", "segment");
  write("one/0.m3u8", playlist(1));
  EXPECT_EQ(get("/one/0-0.ts").body, "segment");
  EXPECT_EQ(get("/one/0-0.ts", {{"Range", "bytes=3-"}}).body, "ment");
  EXPECT_EQ(get("/one/0.m3u8").body, playlist(1));
  EXPECT_EQ(get("/two/0.m3u8").status, 404u);
  const auto clients = crowd("one/0.m3u8?_HLS_msn=1", 3);
  write("one/0.m3u8", playlist(2));
  for (const auto& client : clients)
    EXPECT_EQ(client->read().body, playlist(2));
  const auto losers = crowd("one/0.m3u8?_HLS_msn=2", 2);
  std::filesystem::remove_all(directory_.path() / "live" / "one");
  for (const auto& client : losers)
    EXPECT_EQ(client->read().status, 404u);
}

TEST_F(HlsOriginOfADirectory, WhatIsMountedBesideItIsServedToo) {
  source_.set("0-0.ts", {.data = "of the source"});
  mount("/two/", source_);
  get_ready();
  for (const char* folder : {"one", "two"})
    write(folder + std::string{"/0-0.ts"}, "of the directory");
  EXPECT_EQ(get("/one/0-0.ts").body, "of the directory");
  EXPECT_EQ(get("/two/0-0.ts").body, "of the source");
}

TEST_F(HlsOriginOfADirectory, IsMountedFromReadyOn) {
  write("one/0-0.ts", "segment");
  for (int n = 0; n < 2; ++n) {
    get_ready();
    EXPECT_EQ(get("/one/0-0.ts").body, "segment");
    bench_->set_state(GST_STATE_NULL);
  }
  bench_->set("location", "");
  get_ready();
  EXPECT_EQ(get("/one/0-0.ts").status, 404u);
  bench_->set_state(GST_STATE_NULL);
  bench_->set("location", directory_.path().string());
  get_ready();
  source_.set("0-0.ts", {.data = "of the source"});
  mount("/", source_);
  for (int n = 0; n < 2; ++n) {
    EXPECT_EQ(get("/0-0.ts").body, "of the source");
    bench_->set_state(GST_STATE_NULL);
    bench_->set("location", "");
    get_ready();
  }
}

TEST_F(HlsOrigin, StatsCountRequestsAndBytes) {
  source_.set("0-1.ts", {.data = "segment"});
  get("/0-1.ts");
  get("/0-1.ts", {}, "HEAD");
  get("/0-1.ts", {{"Range", "bytes=0-2"}});
  EXPECT_EQ(bench_->stat("requests"), 3u);
  EXPECT_EQ(bench_->stat("bytes"), 10u);
  EXPECT_EQ(bench_->stat("client-errors"), 0u);
}

}  // namespace
}  // namespace onair::test
