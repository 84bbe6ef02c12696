# Sourced by nginx's configure once its makefile is written: flags for our objects alone. The C++ ones must not reach a
# C file of nginx's, nor the other way round.

for ngx_hpkp_src in $ngx_addon_dir/src/nginx/*.c $ngx_addon_dir/src/core/*.cpp $ngx_addon_dir/src/core/*/*.cpp; do
    ngx_hpkp_dir=`dirname $ngx_hpkp_src`
    ngx_hpkp_obj=$NGX_OBJS/addon/`basename $ngx_hpkp_dir`/`basename $ngx_hpkp_src | sed -e 's/\.[a-z]*$//'`.o
    case $ngx_hpkp_src in
    *.cpp) ngx_hpkp_flags="-Wall -Wextra -Werror -fvisibility=hidden -fno-gnu-unique" ;;
    *)     ngx_hpkp_flags="-Wall -Wextra -Wno-unused-parameter -Werror -fvisibility=hidden" ;;
    esac
    echo "$ngx_hpkp_obj: CFLAGS += $ngx_hpkp_flags" >> $NGX_MAKEFILE
done
