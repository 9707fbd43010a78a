#version 450
#extension GL_GOOGLE_include_directive : enable
// Lights each pixel once: ambient, point lights, directional lights of which the first ones cast
// soft shadows. Diffuse is Lambert's, highlights are Blinn and Phong's.

layout(constant_id = 0) const int NUM_DIRECTIONAL_LIGHTS = 0;
layout(constant_id = 1) const int NUM_POINT_LIGHTS = 0;
layout(constant_id = 2) const int NUM_DIRECTIONAL_LIGHT_SHADOWS = 0;
layout(constant_id = 3) const int NUM_POINT_LIGHT_SHADOWS = 0;
layout(constant_id = 4) const int NUM_TEXTURED_LIGHT_SHADOWS = 0;
layout(constant_id = 5) const int NUM_SPOT_LIGHT_SHADOWS = 0;
layout(constant_id = 6) const int NUM_SPOT_LIGHTS = 0;

layout(set = 0, binding = 0) uniform sampler2D samplerSurface;
layout(set = 0, binding = 1) uniform sampler2D samplerNormal;
layout(set = 0, binding = 2) uniform isampler2D samplerPositionSegmentation;

#define CAMERA_SET 1
#include "camera.glsl"
#define SCENE_SET 2
#include "scene.glsl"

layout(location = 0) in vec2 inUV;
layout(location = 0) out vec4 outColor;

const float PI = 3.14159265;
const float HIGHLIGHT = 0.04;  // what a dielectric reflects at normal incidence

vec3 lit(vec3 albedo, vec3 reflectance, vec3 normal, float shininess, vec3 toLight,
         vec3 toCamera) {
  float cosine = max(dot(normal, toLight), 0.0);
  float aligned = max(dot(normal, normalize(toLight + toCamera)), 0.0);
  vec3 highlight = reflectance * (shininess + 2.0) / 8.0 * pow(aligned, shininess);
  return (albedo + highlight) * cosine / PI;
}

// Part of a light that arrives: the mean of 4 x 4 texels' answers, so that edges are soft.
float visibility(int light, vec3 position) {
  LightBuffer buffers = shadowBuffer.directionalLightBuffers[light];
  vec4 world = cameraBuffer.viewMatrixInverse * vec4(position, 1.0);
  vec4 place = buffers.projectionMatrix * buffers.viewMatrix * world;
  vec2 uv = 0.5 * place.xy / place.w + 0.5;
  float depth = place.z / place.w - 0.0005;
  if (any(lessThan(uv, vec2(0.0))) || any(greaterThan(uv, vec2(1.0)))) {
    return 1.0;  // outside of what the shadow map covers
  }
  vec2 texel = 1.0 / vec2(textureSize(samplerDirectionalLightDepths[light], 0));
  vec4 seen = vec4(0.0);
  for (int i = 0; i < 4; ++i) {
    vec2 offset = vec2(2 * (i & 1) - 1, (i & 2) - 1) * texel;
    seen += step(depth, textureGather(samplerDirectionalLightDepths[light], uv + offset));
  }
  return dot(seen, vec4(1.0 / 16.0));
}

void main() {
  ivec2 pixel = ivec2(gl_FragCoord.xy);
  vec4 surface = texelFetch(samplerSurface, pixel, 0);
  vec3 normal = texelFetch(samplerNormal, pixel, 0).xyz;
  ivec4 place = texelFetch(samplerPositionSegmentation, pixel, 0);
  vec3 position = intBitsToFloat(place.xyz);
  vec3 albedo = surface.rgb;
  float roughness = float((place.w >> 16) & 0xff) / 255.0;
  float metallic = float((place.w >> 24) & 0x7f) / 127.0;
  float width = max(roughness * roughness, 0.03);
  float shininess = 2.0 / (width * width) - 2.0;
  vec3 toCamera = -normalize(position);
  mat3 toView = mat3(cameraBuffer.viewMatrix);

  // Metals reflect in their own color and scatter little; there are no surroundings to mirror, so
  // that a part of the scattering stands for those.
  vec3 reflectance = mix(vec3(HIGHLIGHT), albedo, metallic);
  albedo *= 1.0 - 0.5 * metallic;

  vec3 color = sceneBuffer.ambientLight.rgb * albedo;
  for (int i = 0; i < NUM_DIRECTIONAL_LIGHTS; ++i) {
    vec3 toLight = -normalize(toView * sceneBuffer.directionalLights[i].direction.xyz);
    float part = i < NUM_DIRECTIONAL_LIGHT_SHADOWS ? visibility(i, position) : 1.0;
    color += part * sceneBuffer.directionalLights[i].emission.rgb *
             lit(albedo, reflectance, normal, shininess, toLight, toCamera);
  }
  for (int i = 0; i < NUM_POINT_LIGHTS; ++i) {
    vec3 way = (cameraBuffer.viewMatrix * vec4(sceneBuffer.pointLights[i].position.xyz, 1.0)).xyz;
    way -= position;
    float square = max(dot(way, way), 1e-4);
    color += sceneBuffer.pointLights[i].emission.rgb / square *
             lit(albedo, reflectance, normal, shininess, way * inversesqrt(square), toCamera);
  }
  outColor = vec4(pow(clamp(color, 0.0, 1.0), vec3(1.0 / 2.2)), surface.a);
}
