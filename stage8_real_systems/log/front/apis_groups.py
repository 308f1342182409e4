"""The tables of the APIs about groups of consumers, and about what they have committed."""

from stage8_real_systems.log.front.schema import Api

FIND_COORDINATOR = Api(
    key=10,
    name="FindCoordinator",
    versions=range(4),
    flexible=3,
    request="""
        key                     string
        key_type                int8    1+
    """,
    response="""
        throttle_time_ms        int32   1+
        error_code              int16
        error_message           string? 1+
        node_id                 int32   =-1
        host                    string
        port                    int32   =-1
    """,
)

JOIN_GROUP = Api(
    key=11,
    name="JoinGroup",
    versions=range(8),
    flexible=6,
    request="""
        group_id                string
        session_timeout_ms      int32
        rebalance_timeout_ms    int32   1+ =-1
        member_id               string
        group_instance_id       string? 5+
        protocol_type           string
        protocols               []
          name                  string
          metadata              bytes
    """,
    response="""
        throttle_time_ms        int32   2+
        error_code              int16
        generation_id           int32   =-1
        protocol_type           string? 7+
        protocol_name           string
        leader                  string
        member_id               string
        members                 []
          member_id             string
          group_instance_id     string? 5+
          metadata              bytes
    """,
)

SYNC_GROUP = Api(
    key=14,
    name="SyncGroup",
    versions=range(6),
    flexible=4,
    request="""
        group_id                string
        generation_id           int32
        member_id               string
        group_instance_id       string? 3+
        protocol_type           string? 5+
        protocol_name           string? 5+
        assignments             []
          member_id             string
          assignment            bytes
    """,
    response="""
        throttle_time_ms        int32   1+
        error_code              int16
        protocol_type           string? 5+
        protocol_name           string? 5+
        assignment              bytes
    """,
)

HEARTBEAT = Api(
    key=12,
    name="Heartbeat",
    versions=range(5),
    flexible=4,
    request="""
        group_id                string
        generation_id           int32
        member_id               string
        group_instance_id       string? 3+
    """,
    response="""
        throttle_time_ms        int32   1+
        error_code              int16
    """,
)

LEAVE_GROUP = Api(
    key=13,
    name="LeaveGroup",
    versions=range(5),
    flexible=4,
    request="""
        group_id                string
        member_id               string  0-2
        members                 []      3+
          member_id             string
          group_instance_id     string?
    """,
    response="""
        throttle_time_ms        int32   1+
        error_code              int16
        members                 []      3+
          member_id             string
          group_instance_id     string?
          error_code            int16
    """,
)

OFFSET_COMMIT = Api(
    key=8,
    name="OffsetCommit",
    versions=range(2, 9),
    flexible=8,
    request="""
        group_id                string
        generation_id           int32   =-1
        member_id               string
        group_instance_id       string? 7+
        retention_time_ms       int64   2-4 =-1
        topics                  []
          name                  string
          partitions            []
            partition_index     int32
            committed_offset    int64
            committed_leader_epoch int32 6+ =-1
            committed_metadata  string?
    """,
    response="""
        throttle_time_ms        int32   3+
        topics                  []
          name                  string
          partitions            []
            partition_index     int32
            error_code          int16
    """,
)

OFFSET_FETCH = Api(
    key=9,
    name="OffsetFetch",
    versions=range(1, 8),
    flexible=6,
    request="""
        group_id                string
        topics                  []?
          name                  string
          partition_indexes     []int32
        require_stable          bool    7+
    """,
    response="""
        throttle_time_ms        int32   3+
        topics                  []
          name                  string
          partitions            []
            partition_index     int32
            committed_offset    int64   =-1
            committed_leader_epoch int32 5+ =-1
            metadata            string?
            error_code          int16
        error_code              int16   2+
    """,
)
