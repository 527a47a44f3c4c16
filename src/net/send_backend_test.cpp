#include "net/send_backend.hpp"

#include "net/socket_pair.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstddef>
#include <vector>

namespace tidings {
namespace {

iovec piece_of(std::string_view bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

// Every promise of the seam, for each backend that there is.
class SendBackendTest : public testing::TestWithParam<SendPath> {
public:
    void SetUp() override {
        const auto offered = uring_offered();
        if (GetParam() == SendPath::io_uring && !offered) GTEST_SKIP() << offered.error().detail;
        backend = make_sends(GetParam());
        EXPECT_EQ(backend->path() == SendPath::send, GetParam() == SendPath::send || !offered);
    }
    std::unique_ptr<SendBackend> backend;
};

TEST_P(SendBackendTest, SendsOnePieceAndSeveral) {
    SocketPair one{SocketKind::tcp};
    SocketPair two{SocketKind::local};
    const std::vector<iovec> pieces{piece_of("one "), piece_of("two "), piece_of("three")};
    std::vector<SendOp> ops{{one.hub, {pieces.data(), 1}, 0}, {two.hub, pieces, 0}};
    backend->send(ops);
    EXPECT_EQ(ops[0].taken, 4);
    EXPECT_EQ(ops[1].taken, 13);
    one.read();
    two.read();
    EXPECT_EQ(one.bytes, "one ");
    EXPECT_EQ(two.bytes, "one two three");
    ::close(one.hub);
    ::close(two.hub);
}

TEST_P(SendBackendTest, SaysWhatASocketTookAndThatItIsFull) {
    SocketPair pair{SocketKind::tcp};
    const std::string much(64 * 1024 * 1024, 'x');
    const auto piece = piece_of(much);
    std::vector<SendOp> ops{{pair.hub, {&piece, 1}, 0}, {pair.hub, {&piece, 1}, 0}};
    backend->send(ops);
    EXPECT_GT(ops[0].taken, 0);
    EXPECT_LT(ops[0].taken, static_cast<std::ptrdiff_t>(much.size()));
    backend->send(ops);
    backend->send(ops);
    EXPECT_EQ(ops[1].taken, 0);
    ::close(pair.hub);
}

TEST_P(SendBackendTest, SaysThatAPeerIsGoneAndGoesOnWithTheOthers) {
    SocketPair gone{SocketKind::local};
    SocketPair there{SocketKind::local};
    gone.close_client();
    const auto piece = piece_of("hello");
    std::vector<SendOp> ops{{gone.hub, {&piece, 1}, 0}, {-1, {&piece, 1}, 0}, {there.hub, {&piece, 1}, 0}};
    backend->send(ops);
    EXPECT_EQ(ops[0].taken, -1);
    EXPECT_EQ(ops[1].taken, -1);
    EXPECT_EQ(ops[2].taken, 5);
    ::close(gone.hub);
    ::close(there.hub);
}

TEST_P(SendBackendTest, SendsMoreThanOneBatchInOrder) {
    SocketPair pair{SocketKind::local};
    std::vector<std::string> texts;
    for (int i = 0; i < 700; ++i) texts.push_back(std::to_string(i) + " ");
    std::vector<iovec> pieces;
    for (const auto& text : texts) pieces.push_back(piece_of(text));
    std::string expected;
    for (const auto& text : texts) expected += text;
    // A local socket holds few writes, so they are read in between.
    for (std::size_t from = 0; from < texts.size(); from += 100) {
        std::vector<SendOp> ops;
        for (std::size_t i = from; i < from + 100; ++i) ops.push_back({pair.hub, {&pieces[i], 1}, 0});
        backend->send(ops);
        for (const auto& op : ops) EXPECT_EQ(op.taken, static_cast<std::ptrdiff_t>(op.pieces[0].iov_len));
        pair.read();
    }
    EXPECT_EQ(pair.bytes, expected);
    std::vector<SocketPair> many;
    std::vector<SendOp> ops;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        many.emplace_back(SocketKind::local);
        ops.push_back({many.back().hub, {&pieces[i], 1}, 0});
    }
    backend->send(ops);
    for (std::size_t i = 0; i < many.size(); ++i) {
        many[i].read();
        EXPECT_EQ(many[i].bytes, texts[i]);
        ::close(many[i].hub);
    }
    ::close(pair.hub);
}

// As a container's filter does.
bool forbid_rings() {
    std::array<sock_filter, 4> steps{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
                                      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                                      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
    const sock_fprog program{static_cast<unsigned short>(steps.size()), steps.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(SendPaths, TakesPlainSendsWhereRingsAreForbidden) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (!forbid_rings()) ::_exit(2);
        const bool plain = make_sends(SendPath::automatic)->path() == SendPath::send &&
                           make_sends(SendPath::io_uring)->path() == SendPath::send && !uring_offered();
        ::_exit(plain ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no filter may be set here";
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

INSTANTIATE_TEST_SUITE_P(Paths, SendBackendTest,
                         testing::Values(SendPath::send, SendPath::io_uring, SendPath::automatic),
                         [](const auto& each) {
                             return std::string{each.param == SendPath::send       ? "send"
                                                : each.param == SendPath::io_uring ? "io_uring"
                                                                                   : "automatic"};
                         });

}  // namespace
}  // namespace tidings
