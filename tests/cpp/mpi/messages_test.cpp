// Messages and requests over an MPI that the test plays: one rank of two, whose transfers end when the test says so.
#include "hasten/mpi/messages.h"

#include <gmock/gmock.h>

#include <array>
#include <cstring>
#include <map>
#include <vector>

#include "hasten/mpi/library.h"

namespace hasten::mpi {
namespace {

using abi::ArrayView;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Handle kDouble = 7;

// What the library was asked to do.
struct Transfer {
  std::vector<double> items; // sent
  double* into = nullptr;    // received
  int count = 0;
  bool is_done = false;
  bool is_cancelled = false;
};

std::map<Handle, Transfer> transfers;
int next_error = 0;
std::vector<void*> kept;

int isend(const void* data, int count, Handle type, int, int, Handle, Handle* request) {
  EXPECT_EQ(type, kDouble);
  const auto* items = static_cast<const double*>(data);
  *request = transfers.size() + 1;
  transfers[*request] = {{items, items + count}, nullptr, count};
  return next_error;
}

int irecv(void* data, int count, Handle, int, int, Handle, Handle* request) {
  *request = transfers.size() + 1;
  transfers[*request] = {{}, static_cast<double*>(data), count};
  return next_error;
}

int test(Handle* request, int* flag, MessageStatus* status) {
  Transfer& transfer = transfers.at(*request);
  *flag = transfer.is_done ? 1 : 0;
  const int source = 1;
  std::memcpy(status->bytes + 4, &source, sizeof source);
  return 0;
}

int wait(Handle*, MessageStatus*) { return 0; }

int cancel(Handle* request) {
  transfers.at(*request).is_cancelled = true;
  return 0;
}

int get_count(const MessageStatus*, Handle, int* count) {
  *count = 2;
  return 0;
}

int error_string(int, char* text, int* length) {
  std::strcpy(text, "out of order");
  *length = static_cast<int>(std::strlen(text));
  return 0;
}

class Messages : public testing::Test {
protected:
  Messages() {
    transfers.clear();
    kept.clear();
    next_error = 0;
    Library library;
    library.size = 2;
    library.types[static_cast<int>(abi::TypeNum::kFloat64)] = kDouble;
    library.source_offset = 4;
    library.any_thread = true;
    library.call.Isend = isend;
    library.call.Irecv = irecv;
    library.call.Test = test;
    library.call.Wait = wait;
    library.call.Cancel = cancel;
    library.call.Get_count = get_count;
    library.call.Error_string = error_string;
    library.keep = [](void* owner) { kept.push_back(owner); };
    library.let_go = [](void*) { kept.pop_back(); };
    set_library(library);
  }

  ArrayView view(int64_t stride = sizeof(double)) {
    strides_[0] = stride;
    return {&block_, reinterpret_cast<char*>(items_.data()), shape_.data(), strides_.data(), 1, abi::TypeNum::kFloat64};
  }

  ArrayView requests(std::array<int64_t, 2>* numbers) {
    return {nullptr, reinterpret_cast<char*>(numbers->data()), shape_.data(), plain_.data(), 1, abi::TypeNum::kInt64};
  }

  abi::Env env_;
  std::array<double, 4> items_{1, 2, 3, 4};
  std::array<int64_t, 1> shape_{2};
  std::array<int64_t, 1> strides_{};
  std::array<int64_t, 1> plain_{sizeof(int64_t)};
  int python_object_ = 0;
  abi::Block block_{1, nullptr, &python_object_, nullptr, 0};
};

TEST_F(Messages, AColumnIsSentInOneRow) {
  const ArrayView column = view(2 * sizeof(double));
  int64_t number = 0;
  ASSERT_EQ(hst_mpi_isend(&env_, &number, &column, 1, 0), 0);
  EXPECT_THAT(transfers.at(1).items, ElementsAre(1, 3));
  EXPECT_TRUE(kept.empty()) << "the copy is what must be kept";
}

TEST_F(Messages, MemoryIsKeptUntilARequestIsDone) {
  const ArrayView array = view();
  int64_t number = 0;
  ASSERT_EQ(hst_mpi_irecv(&env_, &number, &array, 1, 0), 0);
  EXPECT_THAT(kept, ElementsAre(&python_object_));
  int8_t is_done = 1;
  ASSERT_EQ(hst_mpi_test(&env_, &is_done, number), 0);
  EXPECT_EQ(is_done, 0);
  EXPECT_EQ(kept.size(), 1U);
  transfers.at(1).is_done = true;
  ASSERT_EQ(hst_mpi_test(&env_, &is_done, number), 0);
  EXPECT_EQ(is_done, 1);
  EXPECT_TRUE(kept.empty());
}

TEST_F(Messages, RequestsThatAreDoneCountForNothing) {
  const ArrayView array = view();
  std::array<int64_t, 2> numbers{};
  ASSERT_EQ(hst_mpi_irecv(&env_, &numbers[0], &array, 1, 0), 0);
  ASSERT_EQ(hst_mpi_isend(&env_, &numbers[1], &array, 1, 0), 0);
  const ArrayView both = requests(&numbers);
  int64_t index = 9;
  ASSERT_EQ(hst_mpi_testany(&env_, &index, &both), 0);
  EXPECT_EQ(index, -1);
  transfers.at(2).is_done = true;
  ASSERT_EQ(hst_mpi_waitany(&env_, &index, &both), 0);
  EXPECT_EQ(index, 1);
  int8_t are_done = 1;
  ASSERT_EQ(hst_mpi_testall(&env_, &are_done, &both), 0);
  EXPECT_EQ(are_done, 0);
  transfers.at(1).is_done = true;
  int64_t from = 0;
  int64_t items = 0;
  ASSERT_EQ(hst_mpi_wait(&env_, &from, &items, numbers[0]), 0);
  EXPECT_EQ(from, 1);
  EXPECT_EQ(items, 2);
  ASSERT_EQ(hst_mpi_waitany(&env_, &index, &both), 0);
  EXPECT_EQ(index, -1);
  ASSERT_EQ(hst_mpi_waitall(&env_, &both), 0);
  ASSERT_EQ(hst_mpi_wait(&env_, &from, &items, numbers[0]), 0);
  EXPECT_EQ(from, -1);
  EXPECT_EQ(items, 0);
}

TEST_F(Messages, AnInterruptedReceiptIsTakenBack) {
  abi::set_poll_hook([](abi::Env*) { return static_cast<int32_t>(abi::Status::kPythonError); });
  env_.flags = abi::kMainThread;
  const ArrayView array = view();
  int64_t from = 0;
  int64_t items = 0;
  EXPECT_EQ(hst_mpi_recv(&env_, &from, &items, &array, 1, 0), static_cast<int32_t>(abi::Status::kPythonError));
  EXPECT_TRUE(transfers.at(1).is_cancelled);
  EXPECT_EQ(hst_mpi_send(&env_, &array, 1, 0), static_cast<int32_t>(abi::Status::kPythonError));
  EXPECT_EQ(kept.size(), 1U) << "MPI still reads what is sent";
  abi::set_poll_hook(nullptr);
}

TEST_F(Messages, ErrorsSayWhat) {
  const ArrayView array = view();
  EXPECT_NE(hst_mpi_send(&env_, &array, 2, 0), 0);
  EXPECT_THAT(env_.message, HasSubstr("dest=2: there are the ranks 0 to 1"));
  EXPECT_NE(hst_mpi_send(&env_, &array, 1, 40000), 0);
  EXPECT_THAT(env_.message, HasSubstr("tag=40000"));
  next_error = 5;
  EXPECT_NE(hst_mpi_send(&env_, &array, 1, 0), 0);
  EXPECT_STREQ(env_.message, "MPI_Isend: out of order");
}

} // namespace
} // namespace hasten::mpi
