"""GLSL of the renderer: soft indoor light on textured meshes, tables and walls. Text only.

Light is linear throughout. An environment of sky, floor and two soft windows lights from all sides
(dimmed by baked occlusion), a key light casts the shadow, a Schlick-weighted reflection of the same
environment gives plastic, glaze and tin their shine.
"""

_ENVIRONMENT = """
uniform vec3 sky, floor_light;
uniform vec3 window_direction[2], window_colour[2];

vec3 irradiance(vec3 n) {
    vec3 sum = mix(floor_light, sky, 0.5 + 0.5 * n.z);
    for (int i = 0; i < 2; ++i) {
        float wrap = 0.5 + 0.5 * dot(n, window_direction[i]);
        sum += 0.5 * window_colour[i] * wrap * wrap;
    }
    return sum;
}

vec3 reflection(vec3 r, float roughness) {
    vec3 sum = mix(floor_light, sky, smoothstep(-0.3 - roughness, 0.3 + roughness, r.z));
    float sharpness = mix(120.0, 3.0, sqrt(roughness));
    for (int i = 0; i < 2; ++i) {
        float lobe = pow(max(dot(r, window_direction[i]), 0.0), sharpness);
        sum += window_colour[i] * lobe * mix(6.0, 1.0, sqrt(roughness));
    }
    return sum;
}
"""

LIT_VERTEX = """
#version 330
in vec3 in_position; in vec3 in_normal; in vec2 in_uv; in float in_open;
uniform mat4 model, view_projection, shadow_matrix;
uniform vec3 eye;
out vec3 world, normal; out vec2 uv; out float open; out vec4 in_shadow;
void main() {
    vec4 p = model * vec4(in_position, 1.0);
    world = p.xyz; normal = mat3(model) * in_normal; uv = in_uv; open = in_open;
    in_shadow = shadow_matrix * vec4(p.xyz + normalize(normal) * 0.0015, 1.0);
    gl_Position = view_projection * p;
}
"""

LIT_FRAGMENT = (
    """
#version 330
in vec3 world, normal; in vec2 uv; in float open; in vec4 in_shadow;
uniform sampler2D albedo, lightmap;
uniform sampler2DShadow shadow;
uniform vec3 eye, key_direction, key_colour;
uniform vec4 lightmap_area;   // centre x, y, half side, 1 / half side
uniform float roughness, shine, moving, spread, blur;
uniform int kind;             // 0 object, 1 table, 2 wall
uniform bool depth_in_alpha;
out vec4 colour;
"""
    + _ENVIRONMENT
    + """
float key_visible() {
    vec3 p = in_shadow.xyz;
    if (any(greaterThan(abs(p - 0.5), vec3(0.5)))) return 1.0;
    float sum = 0.0;
    for (int i = 0; i < 4; ++i) {
        vec2 d = vec2(float(i % 2) - 0.5, float(i / 2) - 0.5) * spread;
        sum += texture(shadow, vec3(p.xy + d, p.z - 0.001));
    }
    return sum / 4.0;
}

void main() {
    vec3 n = normalize(normal), v = normalize(eye - world);
    if (kind == 0 && dot(n, v) < 0.0) n = -n;   // scans are open shells: light the inside too
    vec3 base = texture(albedo, uv, blur).rgb;
    float shell = clamp(open, 0.0, 1.0);   // samples off the triangle extrapolate
    float sky_visible = shell, key = 1.0;
    if (kind == 0) {
        key = key_visible() * smoothstep(0.0, 0.35, shell);
        // The table takes light from what stands close above it.
        sky_visible *= mix(1.0, smoothstep(-0.02, 0.05, world.z), 0.35 * (0.6 - 0.4 * n.z));
    } else if (kind == 1) {
        vec2 q = (world.xy - lightmap_area.xy) * lightmap_area.w;
        if (all(lessThan(abs(q), vec2(1.0)))) {
            vec2 light = texture(lightmap, 0.5 + 0.5 * q).rg;
            key = light.r; sky_visible = light.g;
        }
        if (moving > 0.5) key = min(key, key_visible());
    }
    float facing = max(dot(n, key_direction), 0.0);
    vec3 diffuse = base * (irradiance(n) * sky_visible + key_colour * facing * key);
    vec3 r = reflect(-v, n), h = normalize(v + key_direction);
    float fresnel = 0.04 + (1.0 - roughness) * 0.96 * pow(clamp(1.0 - dot(n, v), 0.0, 1.0), 5.0);
    float power = 2.0 / max(roughness * roughness * roughness, 0.002);
    float highlight = pow(max(dot(n, h), 0.0), power) * (power + 2.0) / 8.0 * facing * key;
    vec3 specular = fresnel * (reflection(r, roughness) * sky_visible * sky_visible
                               + key_colour * min(highlight, 12.0));
    vec3 light = diffuse + shine * specular;
    colour = vec4(max(light, 0.0), depth_in_alpha ? distance(eye, world) : 1.0);
}
"""
)

# The room far away: a photograph on the directions around the camera, mirrored where it ends.
BACKDROP_VERTEX = """
#version 330
in vec2 in_corner;
uniform mat4 to_world;        // inverse of view_projection without translation
out vec3 ray;
void main() {
    vec4 p = to_world * vec4(in_corner, 1.0, 1.0);
    ray = p.xyz / p.w;
    gl_Position = vec4(in_corner, 0.99999, 1.0);
}
"""

BACKDROP_FRAGMENT = """
#version 330
in vec3 ray;
uniform sampler2D photo;
uniform vec4 window;          // azimuth and elevation of the photo's centre, its half angles
uniform float brightness, blur;
out vec4 colour;
void main() {
    float azimuth = atan(ray.y, ray.x) - window.x;
    azimuth = mod(azimuth + 3.14159265, 6.2831853) - 3.14159265;
    float elevation = atan(ray.z, length(ray.xy)) - window.y;
    vec2 uv = 0.5 + 0.5 * vec2(-azimuth, -elevation) / window.zw;
    colour = vec4(textureLod(photo, uv, blur).rgb * brightness, 4.0);
}
"""

# Depth from a light, or from any side for baking.
DEPTH_VERTEX = """
#version 330
in vec3 in_position;
uniform mat4 model, view_projection;
void main() { gl_Position = view_projection * model * vec4(in_position, 1.0); }
"""

DEPTH_FRAGMENT = """
#version 330
void main() {}
"""

# Which object is seen where: its number / 255.
NUMBER_FRAGMENT = """
#version 330
uniform float number;
out float value;
void main() { value = number / 255.0; }
"""

# A mesh cast onto the table z = 0 along a light's direction, seen from above.
CAST_VERTEX = """
#version 330
in vec3 in_position;
uniform mat4 model;
uniform vec3 toward_light;
uniform vec4 area;            // as lightmap_area
void main() {
    vec3 p = (model * vec4(in_position, 1.0)).xyz;
    p.xy -= toward_light.xy * max(p.z, 0.0) / toward_light.z;
    gl_Position = vec4((p.xy - area.xy) * area.w, 0.0, 1.0);
}
"""
