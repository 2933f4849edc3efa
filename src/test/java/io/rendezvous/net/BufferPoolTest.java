package io.rendezvous.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** Bytes that arrive in pieces, and buffers that are given back. */
class BufferPoolTest {
  @Test
  void piecesAreJoinedInOrderAndSeldomCopied() {
    ByteBuffer all = ByteBuffer.allocate(0);
    int copies = 0;
    for (int i = 0; i < 10_000; i++) {
      ByteBuffer before = all;
      all = BufferPool.append(all, ByteBuffer.wrap(new byte[] {(byte) i}));
      copies += all.capacity() == before.capacity() ? 0 : 1;
    }
    assertThat(all.remaining()).isEqualTo(10_000);
    for (int i = 0; i < 10_000; i++) {
      assertThat(all.get(i)).isEqualTo((byte) i);
    }
    assertThat(copies).isLessThan(20);
  }

  @Test
  void whatWasTakenFromTheFrontStaysTaken() {
    ByteBuffer all = BufferPool.append(ByteBuffer.allocate(0), ByteBuffer.wrap(new byte[] {1, 2}));
    assertThat(all.get()).isEqualTo((byte) 1);
    for (byte more = 3; more < 9; more++) {
      all = BufferPool.append(all, ByteBuffer.wrap(new byte[] {more}));
      assertThat(all.get(all.position())).isEqualTo((byte) 2);
      assertThat(all.get(all.limit() - 1)).isEqualTo(more);
    }
  }

  @Test
  void buffersOfEachSizeAreUsedAgainAndOthersAreNotKept() {
    BufferPool pool = new BufferPool(1);
    ByteBuffer small = pool.take();
    ByteBuffer large = pool.takeLarge();
    pool.give(ByteBuffer.allocate(5));
    pool.give(small);
    pool.give(large);
    assertThat(pool.take()).isSameAs(small);
    assertThat(pool.takeLarge()).isSameAs(large);
    assertThat(pool.take()).isNotSameAs(small);
  }
}
