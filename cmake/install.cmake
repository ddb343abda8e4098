# find_package(mics [COMPONENTS ...]): the config file, its version, the targets, and the find modules that components use.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(mics_package_dir "${CMAKE_INSTALL_DATADIR}/cmake/mics")

install(TARGETS mics EXPORT mics-targets FILE_SET HEADERS)
install(EXPORT mics-targets NAMESPACE mics:: DESTINATION "${mics_package_dir}")

foreach(component IN LISTS mics_components)
  get_target_property(header_sets mics_${component} INTERFACE_HEADER_SETS)
  list(TRANSFORM header_sets PREPEND "FILE_SET;" OUTPUT_VARIABLE header_sets)
  install(TARGETS mics_${component} EXPORT mics-${component}-targets ${header_sets})
  install(EXPORT mics-${component}-targets NAMESPACE mics:: DESTINATION "${mics_package_dir}")
  set(package ${mics_${component}_package})
  set(target ${mics_${component}_target})
  set(extra ${mics_${component}_extra})
  list(JOIN mics_${component}_arguments " " arguments)
  configure_file(cmake/micsComponent.cmake.in mics-${component}.cmake @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/mics-${component}.cmake" DESTINATION "${mics_package_dir}")
endforeach()

configure_package_config_file(cmake/micsConfig.cmake.in micsConfig.cmake INSTALL_DESTINATION "${mics_package_dir}"
                              NO_CHECK_REQUIRED_COMPONENTS_MACRO NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/micsConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/micsConfig.cmake" "${PROJECT_BINARY_DIR}/micsConfigVersion.cmake"
        DESTINATION "${mics_package_dir}")
install(FILES cmake/FindNCCL.cmake cmake/FindLibfabric.cmake cmake/FindHwloc.cmake DESTINATION "${mics_package_dir}/modules")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/mics")
