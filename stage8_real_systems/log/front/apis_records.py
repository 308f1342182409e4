"""The tables of the APIs about records: Produce, Fetch, ListOffsets, InitProducerId."""

from stage8_real_systems.log.front.schema import Api

PRODUCE = Api(
    key=0,
    name="Produce",
    versions=range(3, 10),
    flexible=9,
    request="""
        transactional_id        string?
        acks                    int16
        timeout_ms              int32
        topic_data              []
          name                  string
          partition_data        []
            index               int32
            records             bytes?
    """,
    response="""
        responses               []
          name                  string
          partition_responses   []
            index               int32
            error_code          int16
            base_offset         int64   =-1
            log_append_time_ms  int64   =-1
            log_start_offset    int64   5+ =-1
            record_errors       []      8+
              batch_index       int32
              batch_index_error_message string?
            error_message       string? 8+
        throttle_time_ms        int32
    """,
)

FETCH = Api(
    key=1,
    name="Fetch",
    versions=range(4, 13),
    flexible=12,
    request="""
        replica_id              int32   =-1
        max_wait_ms             int32
        min_bytes               int32
        max_bytes               int32
        isolation_level         int8
        session_id              int32   7+
        session_epoch           int32   7+ =-1
        topics                  []
          topic                 string
          partitions            []
            partition           int32
            current_leader_epoch int32  9+ =-1
            fetch_offset        int64
            last_fetched_epoch  int32   12+ =-1
            log_start_offset    int64   5+ =-1
            partition_max_bytes int32
        forgotten_topics_data   []      7+
          topic                 string
          partitions            []int32
        rack_id                 string  11+
    """,
    response="""
        throttle_time_ms        int32
        error_code              int16   7+
        session_id              int32   7+
        responses               []
          topic                 string
          partitions            []
            partition_index     int32
            error_code          int16
            high_watermark      int64   =-1
            last_stable_offset  int64   =-1
            log_start_offset    int64   5+ =-1
            aborted_transactions []?
              producer_id       int64
              first_offset      int64
            preferred_read_replica int32 11+ =-1
            records             bytes?
    """,
)

LIST_OFFSETS = Api(
    key=2,
    name="ListOffsets",
    versions=range(1, 7),
    flexible=6,
    request="""
        replica_id              int32   =-1
        isolation_level         int8    2+
        topics                  []
          name                  string
          partitions            []
            partition_index     int32
            current_leader_epoch int32  4+ =-1
            timestamp           int64
    """,
    response="""
        throttle_time_ms        int32   2+
        topics                  []
          name                  string
          partitions            []
            partition_index     int32
            error_code          int16
            timestamp           int64   =-1
            offset              int64   =-1
            leader_epoch        int32   4+ =-1
    """,
)

INIT_PRODUCER_ID = Api(
    key=22,
    name="InitProducerId",
    versions=range(5),
    flexible=2,
    request="""
        transactional_id        string?
        transaction_timeout_ms  int32
        producer_id             int64   3+ =-1
        producer_epoch          int16   3+ =-1
    """,
    response="""
        throttle_time_ms        int32
        error_code              int16
        producer_id             int64   =-1
        producer_epoch          int16   =-1
    """,
)
